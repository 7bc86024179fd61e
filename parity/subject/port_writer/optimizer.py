"""How an optimizer is made in a port, and which one is too plain to be made."""

from collections.abc import Mapping

from parity.subject.port_writer.expression import AFTER, DRAW, INPUT, VARIABLE, Expression, leaves
from parity.subject.port_writer.updates import DIFFERS, Update


def is_constant(one: Expression) -> bool:
    return all(leaf.op not in (VARIABLE, AFTER, INPUT, DRAW) for leaf in leaves(one))


def is_descent(update: Update) -> bool:
    return update.factory == "gradient_descent"


def made_optimizer(called: str, update: Update, numbers: Mapping[str, str]) -> list[str]:
    told = [f"{name}={text}" for name, text in numbers.items()] + [f"{n}={v}" for n, v in update.flags.items()]
    comment = DIFFERS.get(update.factory)
    return [*([f"# {comment}"] if comment else []), f"{called} = optimizers.{update.factory}({', '.join(told)})"]
