"""The rules of the house, by its own syntax: who knows whom, what is imported where, and how long a function is."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LONGEST = 40  # lines of a function

# From the ground up: a module imports its own floor and those below. Modules or packages, and what the floor is for.
FLOORS = {
    "jaxmlp": (
        (
            "errors checks machine progress streams signals environment tables",
            "What a value must be; the world.",
        ),
        ("tf1", "TensorFlow 1.x, a library of its own: it knows nothing of the rest, not even the ground."),
        ("program execution", "What is computed, and how, as plain data."),
        ("data", "Where pixels come from."),
        ("device compilation seals", "What JAX runs on, keeps and spends on compiling."),
        ("model", "A program's parameters, by layers."),
        ("network method minibatches", "Behind the first product, behind the gradient, and which images."),
        ("random_ops", "What a step's dropouts draw."),
        ("engine", "That first product, in whatever layout."),
        ("placement", "A data set on a device, laid out by an engine as a program needs it."),
        ("trainer", "A step and a run of steps, free of files and screens."),
        ("run", "Who watches a run, and the workers that drive one."),
        ("classifier", "The library's face: fit and Model."),
        ("options program_options program_file presets", "What a command may be told: of the world, and of a program."),
        ("config_file failures command_line", "What all commands share."),
        ("train sweep runs __main__ __init__", "What is typed: the commands, and `import jaxmlp`."),
    ),
    "parity": (
        ("errors", "What keeps it from comparing."),
        ("compare", "Two traces and a verdict, on NumPy alone."),
        ("oracle", "Who answers for TensorFlow."),
        ("subject", "What is proven."),
        ("noise", "How far honest rounding may go."),
        ("family", "Programs drawn over the whole family, each proven."),
        ("mutants report", "The proof of the proof, and how a proof is told."),
        ("commands __main__ __init__", "What is typed."),
    ),
}

# The rest of parity serves any subject: a user who proves a step of his own needs no line of ours, and no jax.
KNOW_THE_PORT = (
    *(f"parity/subject/{name}.py" for name in ("port", "parts", "program_step", "stepwise", "watched")),
    *(
        "parity/subject/graph",
        "parity/subject/port_writer",
        "parity/noise",
        "parity/family",
        "parity/mutants",
        "parity/commands",
        "parity/__main__.py",
    ),
)

# Imported where they are used.
HEAVY = {"matplotlib", "tensorflow", "tensorflow_datasets", "pooch", "requests", "PIL", "importlib"}
HOPS = {  # file: why it imports one module of ours within a function
    "jaxmlp/options.py": "a part is made of jax and numpy, an option is not",
    "jaxmlp/train.py": "--help does not wait for the worker",
    "jaxmlp/sweep.py": "--help does not wait for the worker",
    "parity/oracle/ask.py": "a server of TensorFlow's is imported where TensorFlow is",
}


def _files(*packages: str) -> list[Path]:
    return [file for package in packages for file in sorted((ROOT / package).rglob("*.py"))]


def _name(file: Path) -> str:
    return str(file.relative_to(ROOT))


def _nodes(file: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))


def _imports(nodes: list[ast.AST], file: Path) -> Iterator[str]:
    """Every imported module, in full: `from jaxmlp import model` is jaxmlp.model, `from . import a` a sibling."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            above = file.relative_to(ROOT).parent.parts
            start = ".".join([*above[: len(above) + 1 - node.level], *([node.module] if node.module else [])])
            module = start if node.level else (node.module or "")
            for alias in node.names:
                inside = ROOT.joinpath(*module.split("."), alias.name)
                yield f"{module}.{alias.name}" if inside.is_dir() or inside.with_suffix(".py").exists() else module


def _functions(nodes: list[ast.AST]) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _floor(module: str) -> int:
    """Of `jaxmlp.engine.dense`, that of `engine`; the version, which is all of `jaxmlp` itself, is for everybody."""
    package, _, rest = module.partition(".")
    own = rest.split(".")[0]
    found = [i for i, (modules, _) in enumerate(FLOORS[package]) if own in modules.split()]
    assert found or not own, f"{module} stands on no floor: write it into FLOORS"
    return found[0] if own else 0


every_file = pytest.mark.parametrize("file", _files("jaxmlp", "parity"), ids=_name)
every_file_of_ours = pytest.mark.parametrize("file", _files("jaxmlp"), ids=_name)


@every_file_of_ours
def test_port_imports_no_tensorflow_parity_or_bench(file):
    assert not {name.split(".")[0] for name in _imports(_nodes(file), file)} & {"tensorflow", "parity", "bench"}


@pytest.mark.parametrize("file", _files(*FLOORS), ids=_name)
def test_imports_go_down_only(file):
    package, *rest = file.relative_to(ROOT).with_suffix("").parts
    here = _floor(f"{package}.{rest[0]}")
    for name in _imports(_nodes(file), file):
        if name.split(".")[0] == package:
            assert _floor(name) <= here, f"{_name(file)} imports {name}, which stands above it"


@pytest.mark.parametrize("file", _files("parity"), ids=_name)
def test_only_what_must_know_the_port_does(file):
    knows = _name(file).startswith(KNOW_THE_PORT)
    assert knows or not {name for name in _imports(_nodes(file), file) if name.split(".")[0] in ("jaxmlp", "jax")}


ALONE = {  # folder: the libraries, and the modules of ours, that its files may know
    "jaxmlp/tf1": ("numpy", "jax", "optax", "jaxmlp.tf1"),
    "parity/compare": ("numpy", "parity.compare", "parity.errors"),
    "parity/oracle/py37": ("numpy", "tensorflow", "parity.oracle.py37"),
}


@pytest.mark.parametrize(("folder", "file"), [(f, file) for f in ALONE for file in _files(f)], ids=str)
def test_what_others_may_use_alone_knows_little(folder, file):
    known = (*ALONE[folder], *sys.stdlib_module_names)
    for name in _imports(_nodes(file), file):
        assert any(name == one or name.startswith(f"{one}.") for one in known), f"{_name(file)} imports {name}"


@pytest.mark.parametrize("file", _files("bench"), ids=_name)
def test_the_benchmark_knows_of_the_proof_only_where_tensorflow_1_15_is(file):
    of_the_proof = {name for name in _imports(_nodes(file), file) if name.split(".")[0] == "parity"}
    assert of_the_proof <= {"parity.oracle.environment"}


def test_tensorflow_is_imported_by_the_oracle_and_the_benchmarks_peers_only():
    importing = {_name(f) for f in _files("jaxmlp", "parity", "bench") if "tensorflow" in set(_imports(_nodes(f), f))}
    assert importing
    assert all(name.startswith(("parity/oracle/py37/", "bench/peers/tf")) for name in importing), importing


@every_file
def test_imports_stand_at_the_top(file):
    for function in _functions(_nodes(file)):
        imported = {name.split(".")[0] for name in _imports(list(ast.walk(function)), file)} - HEAVY
        statements = [node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]
        hop = _name(file) in HOPS and imported <= {_name(file).split("/")[0]} and len(statements) <= 1
        assert not imported or hop, f"{function.name} imports {', '.join(sorted(imported))}"


@every_file
def test_no_function_is_long(file):
    for function in _functions(_nodes(file)):
        length = (function.end_lineno or 0) - function.lineno + 1
        assert length <= LONGEST, f"{function.name} has {length} lines"


@every_file
def test_every_parameter_has_a_type(file):
    nodes = _nodes(file)
    methods = {node for owner in nodes if isinstance(owner, ast.ClassDef) for node in owner.body}
    for function in _functions(nodes):
        arguments = function.args
        static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in function.decorator_list)
        plain = [*arguments.posonlyargs, *arguments.args][int(function in methods and not static) :]
        rest = [one for one in (arguments.vararg, arguments.kwarg) if one]
        untyped = [one.arg for one in (*plain, *arguments.kwonlyargs, *rest) if one.annotation is None]
        assert not untyped, f"{function.name}: {', '.join(untyped)}"


@pytest.mark.parametrize(
    "command", ["jaxmlp.train", "jaxmlp.sweep", "jaxmlp.runs", "jaxmlp.__main__", "parity.__main__"]
)
def test_help_answers_within_two_seconds_of_processor_time_and_without_jax_or_numpy(command, takes_less_than):
    code = f"import sys; sys.argv = ['x', '--help']\nimport {command} as c\ntry: c.main()\nexcept SystemExit: pass\n"
    probe = "assert not {'jax', 'numpy'} & set(sys.modules), 'jax or numpy was imported'"

    def ask():
        done = subprocess.run([sys.executable, "-c", code + probe], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "--version" in done.stdout
        assert ("--data" in done.stdout) == (command not in ("jaxmlp.runs", "jaxmlp.__main__"))

    assert takes_less_than(2, ask)  # a slow machine; most need a third of that
