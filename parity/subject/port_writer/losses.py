"""Rules of losses and dropout, which a graph has in many ops where a person writes one word."""

from parity.subject.graph.node import Node
from parity.subject.port_writer import arithmetic
from parity.subject.port_writer.expression import DRAW, Expression, NotWritten
from parity.subject.port_writer.reading import DATA, Reading, Rule

SOFTMAX = "optax.softmax_cross_entropy"
SPARSE = "optax.softmax_cross_entropy_with_integer_labels"
SIGMOID = "optax.sigmoid_binary_cross_entropy"
DROPOUT = "dropout.apply"  # of x, what is kept, and the rate


def sparse_cross_entropy(reading: Reading, node: Node) -> Expression:
    """Labels of any whole type; TensorFlow wants them cast."""
    labels = reading.resolved(node.inputs[1])
    while (maker := reading.graph.of(labels)).op == "Cast" and not maker.attributes["SrcT"].startswith("float"):
        labels = reading.resolved(maker.inputs[0])
    return Expression(SPARSE, (reading.input(node, 0), reading.expression(labels)))


def plus(reading: Reading, node: Node) -> Expression:
    """max(x, 0) - x * z + log1p(exp(-|x|)), as tf.nn.sigmoid_cross_entropy_with_logits writes it; else a sum."""
    found = _sigmoid_cross_entropy(reading, node)
    return found or arithmetic.add(reading, node)


def _sigmoid_cross_entropy(reading: Reading, node: Node) -> Expression | None:
    ops = [reading.graph.of(reading.resolved(name)) for name in node.inputs]
    if [one.op for one in ops] != ["Sub", "Log1p"] or len(node.inputs) != 2:
        return None
    positive, product = (reading.graph.of(reading.resolved(name)) for name in ops[0].inputs)
    if (positive.op, product.op) != ("Select", "Mul"):
        return None
    logits, labels = reading.inputs(product)
    return Expression(SIGMOID, (logits, labels))


def multiply(reading: Reading, node: Node) -> Expression:
    """x * scale * cast(uniform >= rate) is dropout, in either order; else a product."""
    for x, mask in (node.inputs, node.inputs[::-1]):
        if (kept := _kept(reading, mask)) is not None:
            return _dropout(reading, node, x, kept)
    return arithmetic.mul(reading, node)


def _kept(reading: Reading, tensor: str) -> Node | None:
    """The comparison of a drawn number with the rate."""
    node = reading.graph.of(reading.resolved(tensor))
    if node.op != "Cast":
        return None
    compared = reading.graph.of(reading.resolved(node.inputs[0]))
    if compared.op != "GreaterEqual" or reading.kind(compared.inputs[0]) != DATA:
        return None
    drawn = reading.input(compared, 0)
    return compared if drawn.op == DRAW else None


def _dropout(reading: Reading, node: Node, scaled: str, compared: Node) -> Expression:
    """The scale is 1 / (1 - rate), which `dropout.apply` knows."""
    uniform, rate = reading.inputs(compared)
    product = reading.graph.of(reading.resolved(scaled))
    if product.op not in ("Mul", "RealDiv"):
        raise NotWritten(f"{node.called}: a dropout that is scaled otherwise")
    x = next(one for one in reading.inputs(product) if one.shape == reading.value(scaled).shape)
    return Expression(DROPOUT, (x, Expression(">=", (uniform, rate), shape=x.shape), rate), shape=x.shape)


RULES: dict[str, Rule] = {
    "SoftmaxCrossEntropyWithLogits": arithmetic.function(SOFTMAX),
    "SparseSoftmaxCrossEntropyWithLogits": sparse_cross_entropy,
    "Add": plus,
    "AddV2": plus,
    "Mul": multiply,
}
