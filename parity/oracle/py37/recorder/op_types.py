"""TensorFlow's op types by what they mean to a recording, and walks over the ops of a graph."""

from __future__ import annotations

import re
from typing import Any, Iterable

import tensorflow as tf

APPLY = re.compile(r"^(Resource)?(Sparse)?Apply")
RANDOM = re.compile(
    r"^(Random(Uniform|UniformInt|StandardNormal|Shuffle|Gamma|Poisson)(V2)?|TruncatedNormal"
    r"|ParameterizedTruncatedNormal|Multinomial|(All|Uniform|LogUniform|FixedUnigram|LearnedUnigram)CandidateSampler"
    r"|Stateless(Random|Truncated|Multinomial).*|Stateful(Uniform|Standard|Truncated|RandomBinomial).*)$"
)
SOURCE = re.compile(  # iterators, queues, files, what only Python or a table knows, and what is read out of strings
    r"^(Iterator(V2)?GetNext(Sync|AsOptional)?|.*Dequeue.*|ReaderRead.*|(Eager)?PyFunc(Stateless)?|LookupTableFind(V2)?"
    r"|Decode.*|Parse(Single)?(Sequence)?(Example|Tensor).*|String(To|Split).*|ReadFile|.*MapUnstage.*|.*Unstage)$"
)
ASSIGN = {
    *("Assign", "AssignAdd", "AssignSub", "AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"),
    *("ScatterAdd", "ScatterSub", "ScatterUpdate", "ScatterMul", "ScatterDiv", "ScatterNdUpdate", "ScatterNdAdd"),
    *("ResourceScatterAdd", "ResourceScatterSub", "ResourceScatterUpdate"),
}
OVERWRITES = {"Assign", "AssignVariableOp", "ScatterUpdate", "ResourceScatterUpdate", "ScatterNdUpdate"}
VARIABLE = {"Variable", "VariableV2", "VarHandleOp"}
READS = {"Identity", "Enter", "RefEnter", "Switch", "RefSwitch", "ReadVariableOp"}
FUNCTION = {
    "PartitionedCall",
    "StatefulPartitionedCall",
    "If",
    "StatelessIf",
    "While",
    "StatelessWhile",
    "SymbolicGradient",
}


def ancestors(elements: Iterable[Any], fed: Iterable[str], control: bool = True) -> set[tf.Operation]:
    """All ops that a run of tensors and ops executes where the tensors of these names are fed.

    Without `control` only those whose values are used, not those that are merely waited for.
    """
    fed = frozenset(fed)
    todo = [one if isinstance(one, tf.Operation) else one.op for one in elements if getattr(one, "name", "") not in fed]
    seen = set()
    while todo:
        op = todo.pop()
        if op not in seen:
            seen.add(op)
            todo += [tensor.op for tensor in op.inputs if tensor.name not in fed]
            todo += op.control_inputs if control else []
    return seen


def variable_of(thing: Any) -> tf.Operation | None:
    """The op of the variable that a tensor merely reads, or that a variable object is; None for all else."""
    op = getattr(thing, "op", None)
    while op is not None and op.type not in VARIABLE:
        op = op.inputs[0].op if op.type in READS and len(op.inputs) else None
    return op


def in_order(ops: Iterable[tf.Operation]) -> list:
    """As the script made them."""
    return sorted(ops, key=lambda op: op._id)
