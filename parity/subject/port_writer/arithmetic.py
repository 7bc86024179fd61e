"""Rules of ops that compute element by element, and of products."""

import numpy as np

from parity.subject.graph.node import Node
from parity.subject.port_writer.expression import (
    CAST,
    INPUT,
    L2,
    NUMBER,
    TRANSPOSE,
    VARIABLE,
    Expression,
    is_number,
    leaves,
    number,
)
from parity.subject.port_writer.reading import Reading, Rule

FUNCTIONS = {  # where JAX's value and gradient are TensorFlow's
    "Relu": "jax.nn.relu",
    "Elu": "jax.nn.elu",
    "Sigmoid": "jax.nn.sigmoid",
    "Softplus": "jax.nn.softplus",
    "Softmax": "jax.nn.softmax",
    "LogSoftmax": "jax.nn.log_softmax",
    "Tanh": "jnp.tanh",
    "Exp": "jnp.exp",
    "Log": "jnp.log",
    "Log1p": "jnp.log1p",
    "Sqrt": "jnp.sqrt",
    "Rsqrt": "jax.lax.rsqrt",
    "Square": "jnp.square",
    "Floor": "jnp.floor",
    "Ceil": "jnp.ceil",
    "Cos": "jnp.cos",
    "Sin": "jnp.sin",
    # From here on they are not: at kinks and ties.
    "Abs": "kinks.absolute",
    "Relu6": "activations.relu6",
    "Selu": "activations.selu",
    "Softsign": "activations.softsign",
}
PAIRS = {
    "Sub": "-",
    "GreaterEqual": ">=",
    "Greater": ">",
    "LessEqual": "<=",
    "Less": "<",
    "Equal": "==",
    "NotEqual": "!=",
    "LogicalAnd": "&",
    "LogicalOr": "|",
}
TIES = {"Maximum": "kinks.maximum", "Minimum": "kinks.minimum"}


def function(name: str) -> Rule:
    """Called with all inputs, or an operator between them."""
    return lambda reading, node: Expression(name, tuple(reading.inputs(node)))


def add(reading: Reading, node: Node) -> Expression:
    """Also of many; penalties of one strength come together."""
    first, *rest = reading.inputs(node)
    for one in rest:
        first = _sum(first, one)
    return first


def _sum(a: Expression, b: Expression) -> Expression:
    for one, other in ((a, b), (b, a)):
        if is_number(one, 0) and len(one.shape) <= len(other.shape):
            return other
    if a.op == "+" and (together := penalties(a.inputs[1], b)):
        return Expression("+", (a.inputs[0], together))  # the loss and all its penalties
    return penalties(a, b) or Expression("+", (a, b))


def penalties(a: Expression, b: Expression) -> Expression | None:
    """c * l2(names) + c * l2(other names)."""
    left, right = penalty(a), penalty(b)
    if left is None or right is None or left[0] != right[0]:
        return None
    total = Expression(L2, (*left[1].inputs, *right[1].inputs))
    return total if left[0] is None else Expression("*", (number(left[0]), total))


def penalty(one: Expression) -> tuple[float | None, Expression] | None:
    """Of scale * l2(names), the scale, None for none, and the sum; None of all else."""
    if one.op == L2:
        return None, one
    if one.op == "*" and one.inputs[0].op == NUMBER and one.inputs[1].op == L2:
        return one.inputs[0].value, one.inputs[1]
    return None


def l2_loss(reading: Reading, node: Node) -> Expression:
    (one,) = reading.inputs(node)
    return Expression(L2, (one,)) if one.op == VARIABLE else Expression("losses.l2_loss", (one,))


def mul(reading: Reading, node: Node) -> Expression:
    """A number stands first; 1 is left out."""
    a, b = reading.inputs(node)
    for one, other in ((a, b), (b, a)):
        if is_number(one, 1) and len(one.shape) <= len(other.shape):
            return other
    if b.op == NUMBER and a.op != NUMBER:
        a, b = b, a
    if a.op == NUMBER and b.op == "+" and all(penalty(part) for part in b.inputs):
        return Expression("+", tuple(Expression("*", (a, part)) for part in b.inputs))
    return Expression("*", (a, b))


def divide(reading: Reading, node: Node) -> Expression:
    a, b = reading.inputs(node)
    return a if is_number(b, 1) and len(b.shape) <= len(a.shape) else Expression("/", (a, b))


def squared_difference(reading: Reading, node: Node) -> Expression:
    return Expression("jnp.square", (Expression("-", tuple(reading.inputs(node))),))


def power(reading: Reading, node: Node) -> Expression:
    base, exponent = reading.inputs(node)
    if is_number(exponent, 1):
        return base
    return Expression("jnp.square", (base,)) if is_number(exponent, 2) else Expression("**", (base, exponent))


def leaky_relu(reading: Reading, node: Node) -> Expression:
    alpha = float(np.float32(node.attributes.get("alpha", 0.2)))
    return Expression("activations.leaky_relu", tuple(reading.inputs(node)), named=(("alpha", alpha),))


def matmul(reading: Reading, node: Node) -> Expression:
    names = ("adj_x", "adj_y") if node.op.startswith("Batch") else ("transpose_a", "transpose_b")
    turned = (node.attributes.get(name, False) for name in names)
    pairs = zip(reading.inputs(node), turned, strict=True)
    return Expression("@", tuple(Expression(TRANSPOSE, (one,)) if turn else one for one, turn in pairs))


def cast(reading: Reading, node: Node) -> Expression:
    (one,) = reading.inputs(node)
    wanted = np.dtype(node.attributes["DstT"])
    held = reading.value(node.inputs[0]).dtype
    if one.op == NUMBER:
        return number(np.asarray(one.value).astype(wanted), one.shape)
    if wanted == held or (wanted.kind == held.kind and one.op == INPUT):
        return one  # JAX's own width is 32 bits
    if wanted.kind == "f" and held.kind in "iu" and not one.shape:
        return one  # a count becomes a floating number by itself
    return Expression(CAST, (one,), "jnp.int32" if wanted.kind in "iu" else "jnp.float32")


def stop_gradient(reading: Reading, node: Node) -> Expression:
    (one,) = reading.inputs(node)
    trained = any(leaf.op == VARIABLE for leaf in leaves(one))
    return Expression("jax.lax.stop_gradient", (one,)) if trained else one


def chosen(reading: Reading, node: Node) -> Expression:
    """A tf.cond that steps decide."""
    if_false, if_true = reading.inputs(node)
    return Expression("jnp.where", (reading.expression(reading.graph.predicate(node), node.name), if_true, if_false))


def read(reading: Reading, node: Node) -> Expression:
    """Of a resource: what it holds at that moment."""
    return reading.input(node, 0)


RULES: dict[str, Rule] = {
    **{op: function(name) for op, name in (FUNCTIONS | TIES).items()},
    **{op: function(symbol) for op, symbol in PAIRS.items()},
    **dict.fromkeys(("Add", "AddV2", "AddN"), add),
    **dict.fromkeys(("RealDiv", "Div"), divide),
    "BiasAdd": add,
    "Mul": mul,
    "Neg": function("negative"),
    "SquaredDifference": squared_difference,
    "Pow": power,
    "LeakyRelu": leaky_relu,
    "L2Loss": l2_loss,
    **dict.fromkeys(("MatMul", "BatchMatMulV2"), matmul),
    "Cast": cast,
    "StopGradient": stop_gradient,
    "ReadVariableOp": read,
    "Merge": chosen,
}
