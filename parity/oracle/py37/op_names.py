"""Types of ops by name, as the recorder and whoever evaluates its graphs must both know them. Without TensorFlow."""

import re

VARIABLES = {"Variable", "VariableV2", "VarHandleOp"}
APPLY = re.compile(r"^(Resource)?(Sparse)?Apply")
ASSIGN = re.compile(r"^Assign|^(Resource)?Scatter(Nd)?(Add|Sub|Mul|Div|Min|Max|Update)$")
RANDOM = re.compile(
    r"^(Random(Uniform|UniformInt|StandardNormal|Shuffle|Gamma|Poisson)(V2)?|(Parameterized)?TruncatedNormal"
    r"|Multinomial|.*CandidateSampler|Stateless(Random|Truncated|Multinomial).*"
    r"|Stateful(Uniform|Standard|Truncated|RandomBinomial).*)$"
)
SOURCE = re.compile(  # iterators, queues, files, what only Python or a table knows, and what is read out of strings
    r"^(Iterator(V2)?GetNext(Sync|AsOptional)?|.*Dequeue.*|ReaderRead.*|(Eager)?PyFunc(Stateless)?|LookupTableFind(V2)?"
    r"|Decode.*|Parse(Single)?(Sequence)?(Example|Tensor).*|String(To|Split).*|ReadFile|.*MapUnstage.*|.*Unstage)$"
)
