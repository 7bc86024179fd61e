"""What a step writes beside its updates: counters, powers and, of every variable alike, moving averages."""

from collections.abc import Mapping
from typing import NamedTuple

from parity.subject.port_writer.expression import Expression
from parity.subject.port_writer.function import WIDEST, Body, Scope

NEVER = 10**6
PLAIN = {"kinks.minimum": "jnp.minimum", "kinks.maximum": "jnp.maximum", "kinks.absolute": "jnp.abs"}


class Beside(NamedTuple):
    """Text: statements, a comprehension for each family of slots, and what stands alone."""

    statements: list[str]
    families: list[str]
    single: dict[str, str]


def beside_of(scope: Scope, written: Mapping[str, Expression]) -> Beside:
    """Of new values by variable."""
    plain = scope._replace(weights={})
    plainer = plainly_all(written)
    body = Body(plain, list(plainer.values()), widest=NEVER)
    single = {name: body.text(one) for name, one in plainer.items()}
    families: dict[tuple[str, str], list[str]] = {}
    for name, told in single.items():
        if base := next((own for own in sorted(scope.variables, key=len) if name.startswith(f"{own}/")), None):
            suffix = name.removeprefix(base)
            alike = told.replace(f'slots["{name}"]', "old").replace(f'["{base}"]', "[name]")
            families.setdefault((suffix, alike), []).append(name)
    statements, comprehensions = [], []
    for (suffix, told), members in families.items():
        if len(members) > 1 and "[name]" in told:
            called = "averages" if "average" in suffix.lower() else "moved"
            held = f'{{name: slots[f"{{name}}{suffix}"] for name in weights}}'
            statements += [f"{called} = {held}"]
            statements += [f"{called} = {{name: {told} for name, old in {called}.items()}}"]
            comprehensions.append(f'{{f"{{name}}{suffix}": {called}[name] for name in weights}}')
            single = {name: text for name, text in single.items() if name not in members}
    for name in (name for name, told in single.items() if len(name) + len(told) > WIDEST):
        for part in plainer[name].inputs:
            body.text(part, name="change")
        single[name] = body.text(plainer[name])
    return Beside([*body.statements, *statements], comprehensions, single)


def plainly_all(written: Mapping[str, Expression]) -> dict[str, Expression]:
    """What is shared stays so."""
    made: dict[int, Expression] = {}
    return {name: plainly(one, made) for name, one in written.items()}


def plainly(one: Expression, made: dict[int, Expression] | None = None) -> Expression:
    """Nobody differentiates it, so that JAX's own functions will do."""
    made = {} if made is None else made
    if id(one) not in made:
        inputs = tuple(plainly(part, made) for part in one.inputs)
        made[id(one)] = Expression(PLAIN.get(one.op, one.op), inputs, one.value, one.shape, one.named)
    return made[id(one)]
