"""Types of ops by what they are to an evaluation: variables, ways into a tf.cond or a loop, writes, what is given."""

from parity.oracle.py37.op_names import APPLY, ASSIGN, RANDOM, SOURCE

SWITCHES = {"Switch", "RefSwitch"}
ENTERS, EXITS, AGAIN = ({op, f"Ref{op}"} for op in ("Enter", "Exit", "NextIteration"))  # ways into a loop, out, round
WHILES = {"While", "StatelessWhile"}  # loops whose turns are functions
# A variable goes through them unread. An Identity shares a reference's memory: its user sees what is there by then.
PASSES = {*SWITCHES, *ENTERS, "RefIdentity", "Identity"}
CALLS = {"PartitionedCall", "StatefulPartitionedCall"}
BRANCHES = {"If", "StatelessIf"}
ASKS = {"VarIsInitializedOp", "IsVariableInitialized"}  # about a variable, whose value they do not read

OVERWRITES = {"Assign", "AssignVariableOp"}
SLOTS = {  # of an update op: how many variables it holds beside the weights, the first of its inputs
    **dict.fromkeys(("GradientDescent", "ProximalGradientDescent"), 0),
    **dict.fromkeys(("Momentum", "KerasMomentum", "Adagrad", "AdagradV2", "ProximalAdagrad"), 1),
    **dict.fromkeys(("Adam", "AdaMax", "RMSProp", "Adadelta", "Ftrl", "FtrlV2", "AdagradDA"), 2),
    **dict.fromkeys(("AdamWithAmsgrad", "CenteredRMSProp"), 3),
}

PLACEHOLDERS = {"Placeholder", "PlaceholderV2", "PlaceholderWithDefault"}


def writes(op: str) -> bool:
    """Whether it changes a variable."""
    return bool(APPLY.match(op) or ASSIGN.match(op))


def held(op: str) -> int:
    """How many variables a writing op changes."""
    return 1 + SLOTS.get(op.removeprefix("Resource").removeprefix("Sparse").removeprefix("Apply"), 0)


def resource(op: str) -> bool:
    """Whether it writes by a handle, and so gives out no reference."""
    return op.startswith("Resource") or op.endswith("VariableOp")


def given(op: str) -> bool:
    """Whether no evaluation can know what it gives: fed, drawn, or handed out."""
    return op in PLACEHOLDERS or bool(RANDOM.match(op) or SOURCE.match(op))


def lacking(op: str) -> str:
    """Where that was to come from."""
    return "draws" if RANDOM.match(op) else "batch"
