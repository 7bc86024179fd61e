"""The function that takes a step: gradient, clipping, update, and what is written beside it."""

from collections.abc import Mapping

from parity.subject.port_writer.beside import Beside, beside_of, plainly
from parity.subject.port_writer.expression import ARRAY, DRAW, INPUT
from parity.subject.port_writer.function import Body, Scope, handed, parameters
from parity.subject.port_writer.layout import WIDTH, dictionary, function
from parity.subject.port_writer.optimizer import is_constant, is_descent, made_optimizer
from parity.subject.port_writer.read import Read
from parity.subject.port_writer.updates import Update


def step(scope: Scope, found: Read) -> list[str]:
    own = parameters(scope, found.loss)
    statements = _given(scope, found)
    call = ", ".join(["weights", *own])
    statements += [f"{'(value, outputs)' if found.logits else 'value'}, grads = gradient({call})"]
    statements += [found.clip.statement] if found.clip else []
    statements += _moved(scope, found)
    beside = beside_of(scope, found.beside)
    kept = _kept(scope, found.update, beside)
    result = {"loss": "value", "grads": "grads", **({"arriving": "clipped"} if found.clip else {})}
    result |= {"logits": "outputs"} if found.logits else {}
    result |= {"weights": "after", "slots": kept}
    doc = "One update, of dicts of arrays by TensorFlow's names."
    statements = [*statements, *beside.statements, f"return {dictionary(result)}"]
    aux = ", has_aux=True" if found.logits else ""
    gradient = f"gradient = jax.jit(jax.value_and_grad(loss{aux}))"
    return [gradient, function("step", ["weights", "slots", "batch", "draws"], doc, statements)]


def _given(scope: Scope, found: Read) -> list[str]:
    """Names for what the step is handed."""
    rows: dict[str, dict[str, str]] = {}
    for one in handed(found.loss, *found.update.numbers.values()):
        name = str(scope.leaf(one))
        where, key = (("batch", one.value), ("draws", one.value), ("DATA", name))[(INPUT, DRAW, ARRAY).index(one.op)]
        rows.setdefault(where, {})[name] = f'{where}["{key}"]'
    return [line for pairs in rows.values() for line in _unpacked(pairs)]


def _unpacked(pairs: Mapping[str, str]) -> list[str]:
    line = f"{', '.join(pairs)} = {', '.join(pairs.values())}"
    return [line] if len(line) + 4 <= WIDTH else [f"{name} = {told}" for name, told in pairs.items()]


def _moved(scope: Scope, found: Read) -> list[str]:
    update, grads = found.update, "clipped" if found.clip else "grads"
    body = Body(scope, [plainly(one) for one in update.numbers.values()])
    if is_descent(update):
        told = "LEARNING_RATE" if is_constant(update.numbers["learning_rate"]) else body.text(body.roots[0], "rate")
        moved = f"after = jax.tree.map(lambda weight, grad: weight - {told} * grad, weights, {grads})"
        return [*body.statements, moved]
    numbers = {name: body.text(one) for name, one in zip(update.numbers, body.roots, strict=True)}
    constant = all(map(is_constant, update.numbers.values()))
    own = [] if constant else made_optimizer("optimizer", update, numbers)
    called = "OPTIMIZER" if constant else "optimizer"
    state = {"slots": _slots(update)}
    if update.powers:
        powers = {name: body.text(one) for name, one in update.powers.items()}
        state["scalars"] = dictionary(powers)
    given = ", ".join(f"{name}={told}" for name, told in state.items())
    start = f"state = {called}.init(weights)._replace({given})"
    apply = "apply_gradients" if constant else "optimizer.apply_gradients"
    return [*body.statements, *own, start, f"after, state = {apply}({grads}, state, weights)"]


def _slots(update: Update) -> str:
    (before, _), *_rest = update.slots.values()
    if len(update.slots) == 1:
        ((slot, (before, behind)),) = update.slots.items()
        return f'{{"{slot}": {{name: slots[f"{before}{{name}}{behind}"] for name in weights}}}}'
    return f'{{slot: {{name: slots[f"{before}{{name}}/{{own}}"] for name in weights}} for slot, own in SLOTS.items()}}'


def _kept(scope: Scope, update: Update, beside: Beside) -> str:
    """The slots after the step."""
    parts = []
    if len(update.slots) == 1:
        ((slot, (before, behind)),) = update.slots.items()
        parts.append(f'{{f"{before}{{name}}{behind}": state.slots["{slot}"][name] for name in weights}}')
    elif update.slots:
        (before, _), *_rest = update.slots.values()
        each = f'f"{before}{{name}}/{{own}}": state.slots[slot][name]'
        parts.append(f"{{{each} for slot, own in SLOTS.items() for name in weights}}")
    parts += beside.families
    if len(parts) == 1 and not beside.single:
        return parts[0]
    told = [f"**{part}" for part in parts] + [f'"{name}": {text}' for name, text in beside.single.items()]
    return "{" + ", ".join(told) + "}"
