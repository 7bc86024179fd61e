"""How a TF 1.15 graph seeds its random ops: after `tf.set_random_seed`, by the number of ops made before each.

`Graph` counts them: call its methods in the order in which a program makes its ops; those that draw return the op seed,
for `random.stream`. An op of another kind between two draws moves the seeds of all that follow. All numbers were
counted in genuine TensorFlow 1.15.5; whether a size of the batch was known made no difference to any.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from jaxmlp.tf1.streams import Shape, sides_of, size_of

FILLED = 1000  # elements from which on `tf.zeros` and `tf.ones` are three ops; below they are one
DRAWN = 3  # ops before the random one itself: its shape and two parameters


def _each(ops: int, names: str) -> dict[str, int]:
    return dict.fromkeys(names.split(), ops)


DRAWS = {
    **_each(4, "random_uniform_int"),
    **_each(6, "truncated_normal random_normal glorot_normal he_normal lecun_normal xavier_normal variance_scaling"),
    **_each(7, "random_uniform glorot_uniform he_uniform lecun_uniform xavier uniform_unit_scaling"),
    **_each(14, "orthogonal"),  # and two to transpose it, where it has more columns than rows
}
CONSTANTS = {**_each(1, "zeros ones constant"), **_each(3, "fill")}
ACTIVATIONS = {
    **_each(1, "relu relu6 leaky_relu elu selu tanh sigmoid softplus softsign softmax log_softmax"),
    **_each(4, "crelu"),
}
KERAS_ACTIVATIONS = {
    **_each(1, "relu elu tanh sigmoid softplus softsign softmax exponential"),
    **_each(8, "selu hard_sigmoid"),
}
REGULARIZERS = {"contrib_l2": 3, "contrib_l1": 5, "keras_l2": 7}
OPS = {  # of TensorFlow's functions; their arguments are tensors already, and a number among them is one op more
    **ACTIVATIONS,
    **_each(0, "name_scope"),
    **_each(1, "placeholder constant identity cast matmul bias_add add subtract multiply maximum negative"),
    **_each(1, "square log equal l2_loss random_shuffle"),
    **_each(2, "reshape argmax reduce_mean reduce_sum xw_plus_b summary_scalar summary_histogram"),
    **_each(2, "sparse_softmax_cross_entropy_with_logits"),
    **_each(4, "one_hot clip_by_value global_step"),
    **_each(8, "flatten"),
    **_each(10, "sigmoid_cross_entropy_with_logits"),
    **_each(31, "softmax_cross_entropy_with_logits_v2"),
    **_each(32, "softmax_cross_entropy_with_logits"),
    **_each(32, "losses_sparse_softmax_cross_entropy losses_mean_squared_error"),
    **_each(33, "losses_absolute_difference"),
    **_each(40, "losses_hinge_loss"),
    **_each(41, "losses_sigmoid_cross_entropy"),
    **_each(42, "losses_huber_loss"),
    **_each(45, "losses_log_loss"),
    **_each(63, "losses_softmax_cross_entropy"),
}
REFORMAT = ("placeholder", "placeholder", "reshape", "cast", "one_hot")  # the original's, of images and labels
BATCH_NORMALIZATION = {True: 40, False: 24, "tensor": 72}  # by `training`; made of four variables

Training = bool | Literal["tensor"]


class LayerSeeds(NamedTuple):
    """The op seeds of a layer's variables; None of one that is not drawn."""

    kernel: int | None
    bias: int | None


class Graph:
    """A graph after `tf.set_random_seed`, `ops` ops long so far. Its methods raise ValueError for an unknown name."""

    def __init__(self, ops: int = 0) -> None:
        self.ops = ops

    def make(self, *functions: str) -> None:
        """Ops of the functions named in `OPS`, such as "placeholder", "matmul", "reduce_mean"."""
        for function in functions:
            self.ops += _of(OPS, function, "function")

    def draw(self, distribution: str, shape: Shape = ()) -> int:
        """A bare `tf.truncated_normal(shape)`, or another of `DRAWS`; its op seed. `shape` matters to "orthogonal"."""
        seed = self.ops + DRAWN
        self.ops += _of(DRAWS, distribution, "draw")
        if distribution == "orthogonal":
            if len(sides := sides_of(shape)) < 2:
                raise ValueError(f"op_seeds: shape {shape} of orthogonal; it must have at least two dimensions")
            self.ops += 2 * (size_of(sides[:-1]) < sides[-1])
        return seed

    def variable(self, initial: str, shape: Shape, scaled: bool = False, use_resource: bool = False) -> int | None:
        """`tf.Variable` or `tf.get_variable` of one of `DRAWS` or `CONSTANTS`; the draw's op seed, or None.

        `scaled`: the initial value is multiplied or divided by a number, as in `tf.truncated_normal(…) * 0.1`.
        """
        seed = None
        if initial in DRAWS:
            seed = self.draw(initial, shape)
        else:
            filled = initial in ("zeros", "ones") and size_of(shape) >= FILLED
            self.ops += CONSTANTS["fill"] if filled else _of({**CONSTANTS, **DRAWS}, initial, "initial value")
        self.ops += 2 * scaled + (4 if use_resource else 3)
        return seed

    def dense(
        self,
        inputs: int,
        units: int,
        activation: str | None = None,
        kernel: str = "glorot_uniform",
        bias: str | None = "zeros",
        regularizer: str | None = None,
    ) -> LayerSeeds:
        """`tf.layers.dense` or `tf.contrib.layers.fully_connected` of [N, inputs]. `bias` None: it has none."""
        of_kernel = self.variable(kernel, (inputs, units))
        self.ops += _of(REGULARIZERS, regularizer, "regularizer") if regularizer else 0
        of_bias = self.variable(bias, units) if bias else None
        self.ops += 2 if bias else 1  # the product, and the sum
        self.ops += _of(ACTIVATIONS, activation, "activation") if activation else 0
        return LayerSeeds(of_kernel, of_bias)

    def keras_dense(
        self,
        inputs: int,
        units: int,
        activation: str | None = None,
        kernel: str = "glorot_uniform",
        bias: str | None = "zeros",
    ) -> LayerSeeds:
        """`tf.keras.layers.Dense` of [N, inputs]. A model's input is a placeholder, before the first."""
        of_kernel = self.variable(kernel, (inputs, units), use_resource=True)
        of_bias = self.variable(bias, units, use_resource=True) if bias else None
        self.ops += 4 if bias else 2  # the product and the sum, each with a read of its variable
        self.ops += _of(KERAS_ACTIVATIONS, activation, "activation") if activation else 0
        return LayerSeeds(of_kernel, of_bias)

    def dropout(self, tensor: Literal["keep_prob", "rate"] | None = None) -> int:
        """`tf.nn.dropout`; its op seed. `tensor`: which argument is one, such as a placeholder, made before.

        One with a number that drops nothing, keep_prob 1 or rate 0, makes no op: leave it out.
        """
        before = _of({None: 1, "keep_prob": 2, "rate": 0}, tensor, "tensor")
        seed = self.ops + before + DRAWN
        self.ops += before + 15
        return seed

    def layers_dropout(self, training: Training = False, rate_tensor: bool = False) -> int | None:
        """`tf.layers.dropout` or contrib's with a rate that is not 0; its op seed, or None where it draws nothing.

        `training` "tensor": a placeholder, made before. `rate_tensor`: so is the rate.
        """
        if training is True:
            return self.dropout("rate" if rate_tensor else None)
        start = self.ops
        self.ops += _of({False: 1, "tensor": 24}, training, "training")
        return start + 9 - rate_tensor if training else None

    def keras_dropout(self, first: bool = False) -> int:
        """`tf.keras.layers.Dropout` in a model, its rate not 0; its op seed.

        `first`: the graph's first layer that asks for the learning phase, which makes two ops for it.
        """
        self.ops += 2 * first
        seed = self.layers_dropout("tensor")
        assert seed is not None
        return seed

    def batch_normalization(self, units: int, training: Training = False) -> None:
        """`tf.layers.batch_normalization` of [N, units]; `training` "tensor": a placeholder, made before."""
        self.ops += _of(BATCH_NORMALIZATION, training, "training") + (8 if units >= FILLED else 0)


def of_perceptron(units: Sequence[int]) -> list[int]:
    """The op seed of each layer's weights, for the original's graph with layers of so many units, the last included."""
    graph, seeds = Graph(), []
    graph.make(*REFORMAT, *REFORMAT)  # the training and the test set
    for width in units:
        seeds.append(graph.variable("truncated_normal", width))
        graph.variable("zeros", width)
        graph.make("matmul", "add", "relu")  # the last layer's too, for nothing comes behind it
    return seeds


def _of(table: Mapping, name: object, kind: str) -> int:
    if name not in table:
        raise ValueError(f"op_seeds knows no {kind} {name!r}; it knows {', '.join(map(str, table))}")
    return table[name]
