"""Python's names for a graph's tensors: what the script's author would recognise, or what they are for."""

import keyword
import re
from collections.abc import Iterable, Mapping

from parity.subject.port_writer.expression import DRAW, INPUT, VARIABLE, Expression, walk

GIVEN = {"weights", "slots", "batch", "draws", "step", "loss", "logits", "predictions", "outputs", "gradient"}
LOCAL = {
    "value",
    "grads",
    "clipped",
    "after",
    "state",
    "rate",
    "kept",
    "name",
    "old",
    "own",
    "slot",
    "averages",
    "moved",
}
MODULES = {"jax", "jnp", "np", "optax", "losses", "kinks", "activations", "dropout", "optimizers", "clipping"}
TAKEN = GIVEN | LOCAL | MODULES | {"optimizer", "weight", "grad", "apply_gradients"}
NAMELESS = re.compile(r"^(Variable|Placeholder|IteratorGetNext|batch|shuffle_batch|.*[Dd]equeue\w*|Const)(_\d+)?$")


def anonymous(variable: str) -> bool:
    """Whether the script gave it no name."""
    return bool(re.fullmatch(r"Variable(_\d+)?", variable.rpartition("/")[2]))


def slug(name: str) -> str:
    """As an identifier: "x-input" is x_input."""
    made = re.sub(r"\W+", "_", name.rpartition("/")[2]).strip("_").lower()
    made = f"_{made}" if not made or made[0].isdigit() else made
    return f"{made}_" if keyword.iskeyword(made) or made in TAKEN else made


def of_weights(root: Expression) -> dict[str, str]:
    """w1, b1, w2, … by the layers they belong to; of variables that have no name of their own."""
    found: dict[str, str] = {}
    layers = [one for one in walk(root) if one.op == "@"]
    for i, product in enumerate(layers, 1):
        place = "" if len(layers) == 1 else str(i)
        for called, one in (("w", product.inputs[1]), ("b", _bias(root, product))):
            if one is not None and one.op == VARIABLE and anonymous(one.value):
                found.setdefault(one.value, called + place)
    return found


def _bias(root: Expression, product: Expression) -> Expression | None:
    for one in walk(root):
        if one.op == "+" and product in one.inputs:
            return next(part for part in one.inputs if part is not product)
    return None


def of_inputs(root: Expression, leaves: Iterable[Expression]) -> dict[str, str]:
    """By tensor: the placeholder's name, else x for what is multiplied by weights, and y for what is not."""
    found: dict[str, str] = {}
    leaves = list({one.value: one for one in leaves if one.op in (INPUT, DRAW)}.values())
    draws = sum(one.op == DRAW for one in leaves)
    multiplied = {id(leaf) for one in walk(root) if one.op == "@" for leaf in walk(one.inputs[0]) if leaf.is_leaf}
    for one in leaves:
        found[one.value] = _free(_called(one, id(one) in multiplied), found, one.op == DRAW and draws > 1)
    return found


def _called(one: Expression, multiplied: bool) -> str:
    own = one.value.partition(":")[0]
    if one.op == DRAW:
        return "uniform"
    if not NAMELESS.match(own.rpartition("/")[2]):
        return slug(own)
    if one.shape:
        return "x" if multiplied else "y"
    return "keep_prob"


def _free(name: str, found: Mapping[str, str], counted: bool = False) -> str:
    taken = set(found.values())
    return next(one for i in range(1, 99) if (one := name if i == 1 and not counted else f"{name}_{i}") not in taken)
