"""Every type of op with small random inputs, computed by genuine TensorFlow 1.15 (runs on Python 3.7).

python graph_cases.py SEED OUT.npz: one graph with all cases, their outputs and gradients by all float inputs, one run.
Among the inputs of most are kinks and ties: `K` draws from few numbers, 0 and 6 among them.
"""

import json
import sys

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.compat.v1 import raw_ops as raw

from parity.oracle.py37.graphdef import described

RNG = np.random.RandomState(int(sys.argv[1]))
CASES = {}  # name: (inputs, function of their placeholders)


def F(*shape):
    return np.asarray(RNG.randn(*shape) * 1.5, np.float32)


def K(*shape):
    return RNG.choice([-7.0, -2.0, -1.0, -0.5, 0.0, 0.0, 0.5, 1.0, 2.0, 6.0, 7.0], shape).astype(np.float32)


def P(*shape):
    return RNG.uniform(0.1, 3, shape).astype(np.float32)


def U(*shape):
    return RNG.uniform(-0.9, 0.9, shape).astype(np.float32)


def N(most, *shape):
    return RNG.randint(0, most, shape).astype(np.int32)


def B(*shape):
    return RNG.rand(*shape) < 0.5


def each(names):
    return names.split()


def case(name, inputs, function):
    assert name not in CASES, name
    CASES[name] = (inputs, function)


def unary(names, inputs, **attributes):
    for name in names.split():
        argument = next(iter(ARGUMENTS.get(name, ("x",))))
        case(name, inputs, lambda x, n=name, a=argument: getattr(raw, n)(**{a: x}, **attributes))


ARGUMENTS = dict.fromkeys(("Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Softplus", "Softsign"), ("features",))
ARGUMENTS.update(
    Softmax=("logits",), LogSoftmax=("logits",), L2Loss=("t",), StopGradient=("input",), Identity=("input",)
)
ARGUMENTS.update(LogicalNot=("x",), Snapshot=("input",), PreventGradient=("input",))

unary("Relu Relu6 Elu Selu Softplus Softsign Sigmoid Tanh Abs Sign Neg Square Floor Ceil Round Rint", [K(5, 7)])
unary("Softmax LogSoftmax Exp Expm1 Sin Cos Sinh Cosh Erf Erfc Atan Asinh L2Loss ZerosLike OnesLike", [F(4, 5)])
unary("Identity StopGradient Snapshot IsNan IsInf IsFinite", [F(4, 5)])
unary("Log Log1p Rsqrt Reciprocal Inv Lgamma Digamma", [P(4, 5)])
unary("Asin Acos Tan Atanh", [U(4, 5)])
case("Acosh", [1 + P(4, 5)], lambda x: raw.Acosh(x=x))
case("Sqrt", [np.abs(K(4, 5))], lambda x: raw.Sqrt(x=x))
case("LeakyRelu", [K(4, 5)], lambda x: raw.LeakyRelu(features=x, alpha=0.2))
case("LogicalNot", [B(6)], lambda x: raw.LogicalNot(x=x))
case("LeakyMaximum", [K(5, 7)], lambda x: tf.maximum(0.2 * x, x))
case("SigmoidSaturated", [F(8, 8) * 12], lambda x: tf.sigmoid(x))

for name in each("Add AddV2 Sub Mul Maximum Minimum SquaredDifference"):
    case(name, [K(3, 4), K(4)], lambda x, y, n=name: getattr(raw, n)(x=x, y=y))
    case(name + "Rows", [K(3, 1), K(3, 4)], lambda x, y, n=name: getattr(raw, n)(x=x, y=y))
for name in each("RealDiv FloorDiv"):
    case(name, [F(3, 4), P(4)], lambda x, y, n=name: getattr(raw, n)(x=x, y=y))
case("Atan2", [F(3, 4), F(3, 4)], lambda y, x: tf.atan2(y, x))
case("FloorMod", [F(3, 4), F(3, 4)], lambda x, y: raw.FloorMod(x=x, y=y))
case("DivNoNan", [K(5, 6), K(5, 6)], lambda x, y: raw.DivNoNan(x=x, y=y))
case("MulNoNan", [K(5, 6), K(5, 6)], lambda x, y: raw.MulNoNan(x=x, y=y))
case("Xdivy", [K(5, 6), P(5, 6)], lambda x, y: raw.Xdivy(x=x, y=y))
case("Xlogy", [K(5, 6), P(5, 6)], lambda x, y: raw.Xlogy(x=x, y=y))
case("Pow", [P(4, 5), F(4, 5)], lambda x, y: tf.pow(x, y))
case("PowSquare", [K(4, 5)], lambda x: tf.pow(x, 2.0))
case("PowScalar", [np.float32(RNG.uniform(0.5, 1)), np.float32(RNG.uniform(0, 9))], lambda x, y: tf.pow(x, y))
case("PowCube", [K(4, 5), np.full((4, 5), 3, np.float32)], lambda x, y: tf.pow(x, y))
case("AddN", [F(3, 4), F(3, 4), F(3, 4)], lambda *x: tf.add_n(x))
case("BiasAdd", [F(3, 4), F(4)], lambda x, b: tf.nn.bias_add(x, b))
case("BiasAddFirst", [F(2, 3, 2, 2), F(3)], lambda x, b: tf.nn.bias_add(x, b, data_format="NCHW"))
case("ClipByValue", [K(5, 6)], lambda x: raw.ClipByValue(t=x, clip_value_min=-1.0, clip_value_max=2.0))
case("ClipByValueBounds", [F(5, 6), F(1), 3 + F(1)], lambda x, a, b: tf.clip_by_value(x, a[0], b[0]))
case("ClipPython", [K(5, 6)], lambda x: tf.clip_by_value(x, -1.0, 2.0))
for name in each("Div TruncateDiv FloorDiv FloorMod TruncateMod"):
    inputs = [N(20, 12) - 10, N(5, 12) + 1]
    case(name + "Whole", inputs, lambda x, y, n=name: getattr(raw, n)(x=x, y=y))
case("TruncateMod", [F(3, 4), P(3, 4)], lambda x, y: tf.stop_gradient(raw.TruncateMod(x=x, y=y)))

case("MatMul", [F(3, 4), F(4, 5)], lambda x, y: tf.matmul(x, y))
case("MatMulTurned", [F(4, 3), F(5, 4)], lambda x, y: tf.matmul(x, y, transpose_a=True, transpose_b=True))
case("BatchMatMul", [F(2, 3, 4), F(2, 4, 5)], lambda x, y: raw.BatchMatMul(x=x, y=y))
case("BatchMatMulV2", [F(2, 1, 3, 4), F(3, 5, 4)], lambda x, y: raw.BatchMatMulV2(x=x, y=y, adj_y=True))

for name in each("Sum Mean Max Min Prod"):
    case(name, [K(4, 3, 5)], lambda x, n=name: getattr(raw, n)(input=x, axis=[0, -1], keep_dims=False))
    case(name + "All", [K(3, 4)], lambda x, n=name: getattr(raw, n)(input=x, axis=[0, 1], keep_dims=True))
case("SumWhole", [N(9, 4, 5)], lambda x: tf.reduce_sum(x, 1))
case("All", [B(4, 3)], lambda x: tf.reduce_all(x, 1))
case("Any", [B(4, 3)], lambda x: tf.reduce_any(x, 1))
case("ArgMax", [K(6, 9)], lambda x: tf.argmax(x, 1))
case("ArgMin", [K(6, 9)], lambda x: tf.argmin(x, 1, output_type=tf.int32))
for name in each("cumsum cumprod"):
    for flags in range(4):
        own = {"exclusive": bool(flags & 1), "reverse": bool(flags & 2)}
        case(f"{name}{flags}", [F(3, 5)], lambda x, n=name, k=own: getattr(tf, n)(x, 1, **k))
case("TopKV2", [K(4, 9)], lambda x: tf.nn.top_k(x, 3))
case("InTopK", [K(12, 6), N(6, 12)], lambda x, t: tf.nn.in_top_k(x, t, 2))
case("LogSumExp", [F(4, 5)], lambda x: tf.reduce_logsumexp(x, 1))
case("EuclideanNorm", [F(4, 5)], lambda x: tf.norm(x, axis=1))
case("Moments", [F(6, 5)], lambda x: tf.nn.moments(x, [0]))
case("SegmentSum", [F(6, 3)], lambda x: tf.segment_sum(x, [0, 0, 1, 3, 3, 3]))
case("SegmentMean", [F(6, 3)], lambda x: tf.segment_mean(x, [0, 0, 1, 3, 3, 3]))
case("UnsortedSegmentSum", [F(6, 3)], lambda x: tf.unsorted_segment_sum(x, [2, 0, 2, -1, 4, 0], 5))

case("Reshape", [F(3, 4)], lambda x: tf.reshape(x, [2, -1]))
case("ReshapeByShape", [F(3, 4), F(2, 6)], lambda x, y: tf.reshape(x, tf.shape(y)))
case("Shape", [F(3, 4)], lambda x: (tf.shape(x), tf.size(x), tf.rank(x), tf.shape_n([x, x])[1]))
case("Squeeze", [F(3, 1, 4, 1)], lambda x: tf.squeeze(x, [1]))
case("SqueezeAll", [F(3, 1, 4, 1)], lambda x: tf.squeeze(x))
case("ExpandDims", [F(3, 4)], lambda x: tf.expand_dims(x, -2))
case("Transpose", [F(3, 4, 2)], lambda x: tf.transpose(x, [2, 0, 1]))
case("Tile", [F(3, 2)], lambda x: tf.tile(x, [2, 3]))
case("BroadcastTo", [F(3, 1)], lambda x: tf.broadcast_to(x, [2, 3, 4]) * 2)
case("Fill", [F(3, 2)], lambda x: tf.fill(tf.shape(x), 2.5) * x)
case("Range", [F(3, 2)], lambda x: (tf.range(1, tf.shape(x)[0] * 4, 2), tf.range(0.0, 1.0, 0.25)))
case("LinSpace", [F(1), F(1)], lambda x, y: tf.stop_gradient(tf.linspace(x[0], y[0], 7)))
case("Diag", [F(4)], lambda x: tf.diag(x))
case("MatrixDiag", [F(2, 4)], lambda x: tf.linalg.diag(x))
case("MatrixDiagPart", [F(2, 4, 4)], lambda x: tf.linalg.diag_part(x))
case("MatrixBandPart", [F(2, 4, 5)], lambda x: (tf.linalg.band_part(x, 1, -1), tf.linalg.band_part(x, -1, 0)))
case("InvertPermutation", [RNG.permutation(7).astype(np.int32)], lambda x: tf.math.invert_permutation(x))
case("Pack", [F(3, 2), F(3, 2)], lambda x, y: tf.stack([x, y], 1))
case("Unpack", [F(3, 2)], lambda x: tf.unstack(x, axis=1))
case("Concat", [F(3, 2), F(3, 4)], lambda x, y: (tf.concat([x, y], 1), raw.Concat(concat_dim=1, values=[y, x])))
case("Split", [F(3, 6)], lambda x: tf.split(x, 3, 1))
case("SplitV", [F(3, 6)], lambda x: tf.split(x, [1, -1, 2], 1))
case("Pad", [F(3, 2)], lambda x: (tf.pad(x, [[1, 0], [2, 1]]), tf.pad(x, [[0, 1], [1, 1]], constant_values=3.0)))
case(
    "MirrorPad", [F(3, 4)], lambda x: (tf.pad(x, [[1, 2], [2, 1]], "REFLECT"), tf.pad(x, [[1, 0], [2, 1]], "SYMMETRIC"))
)
case("ReverseV2", [F(3, 4)], lambda x: tf.reverse(x, [1]))
case("Slice", [F(3, 4, 5)], lambda x: tf.slice(x, [1, 0, 2], [2, -1, 2]))
case("StridedSlice", [F(5, 6, 3)], lambda x: (x[1:-1, ::2], x[:, 3], x[..., 1], x[::-1, None, 2:4], x[-1]))
case("Gather", [F(5, 3), N(5, 4)], lambda x, i: (tf.gather(x, i), tf.gather(x, [[0, 2]], axis=1)))
case("GatherNd", [F(4, 3)], lambda x: tf.gather_nd(x, [[0, 1], [3, 2], [0, 1]]))
case("OneHot", [N(7, 6) - 1], lambda i: (tf.one_hot(i, 5), tf.one_hot(i, 5, 2.0, -1.0, axis=0)))
case("Unique", [N(5, 12)], lambda i: tf.unique(i, tf.int64))
case("UniqueWithCounts", [N(5, 12)], lambda i: tf.unique_with_counts(i))
case(
    "ComputeAccidentalHits",
    [N(5, 6, 2)],
    lambda i: tf.nn.compute_accidental_hits(tf.cast(i, tf.int64), tf.constant([4, 9, 1, 0], tf.int64), 2),
)
case("SparseToDense", [N(2, 4)], lambda i: tf.sparse_to_dense(tf.stack([tf.range(4), i], 1), [4, 2], 1.0, 0.5))
case("ScatterNd", [F(3, 2)], lambda x: tf.scatter_nd([[1], [4], [1]], x, [6, 2]))
case("DynamicStitch", [F(2, 3), F(3, 3)], lambda x, y: tf.dynamic_stitch([[0, 3], [4, 1, 2]], [x, y]))
case("Cast", [F(3, 4)], lambda x: (tf.cast(x, tf.int32), tf.cast(x, tf.float64), tf.cast(x > 0, tf.float32)))

for name in each("Equal NotEqual Less LessEqual Greater GreaterEqual"):
    case(name, [K(3, 7), K(7)], lambda x, y, n=name: getattr(raw, n)(x=x, y=y))
for name in each("LogicalAnd LogicalOr"):
    case(name, [B(9), B(9)], lambda x, y, n=name: getattr(raw, n)(x=x, y=y))
case("ApproximateEqual", [K(8), K(8)], lambda x, y: raw.ApproximateEqual(x=x, y=y, tolerance=0.75))
case("Select", [B(3, 4), F(3, 4), F(3, 4)], lambda c, x, y: tf.where(c, x, y))
case("SelectRows", [B(3), F(3, 4), F(3, 4)], lambda c, x, y: tf.where(c, x, y))
case("SelectV2", [B(4), F(3, 4), F(3, 1)], lambda c, x, y: raw.SelectV2(condition=c, t=x, e=y))

ONE_HOT = np.eye(6, dtype=np.float32)
for name, labels in (
    ("", ONE_HOT[N(6, 5)]),
    ("Sums2", 2 * ONE_HOT[N(6, 5)]),
    ("Masked", 0 * ONE_HOT[:5]),
    ("Soft", P(5, 6)),
):
    case(
        "SoftmaxXent" + name,
        [F(5, 6) * 3, labels],
        lambda x, y: tf.nn.softmax_cross_entropy_with_logits_v2(labels=y, logits=x),
    )
case("SoftmaxXentFirst", [F(5, 6), P(5, 6)], lambda x, y: tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=x))
case("SparseXent", [F(5, 6), N(6, 5)], lambda x, y: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=x))
case("SigmoidXent", [K(5, 6), K(5, 6)], lambda x, y: tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=x))
case("WeightedXent", [F(5, 6), P(5, 6)], lambda x, y: tf.nn.weighted_cross_entropy_with_logits(y, x, 2.0))
case("LossMean", [F(5, 6), F(5, 6)], lambda x, y: tf.losses.mean_squared_error(y, x, weights=[[1], [0], [2], [0], [1]]))
case("LossHuber", [K(5, 6), K(5, 6)], lambda x, y: tf.losses.huber_loss(y, x))
case("LossHinge", [K(5, 6), np.float32(B(5, 6))], lambda x, y: tf.losses.hinge_loss(y, x))
case(
    "LossLog", [np.float32(RNG.uniform(0.05, 0.95, (5, 6))), np.float32(B(5, 6))], lambda x, y: tf.losses.log_loss(y, x)
)
case("LossCosine", [F(5, 6), F(5, 6)], lambda x, y: tf.losses.cosine_distance(y, x, axis=1))

for version in ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"):
    for training in (True, False):
        inputs = [F(4, 3, 3, 2), F(2), F(2), F(2), P(2)] if not training else [F(4, 3, 3, 2), F(2), F(2)]
        case(
            version + ("Training" if training else ""),
            inputs,
            lambda x, s, o, m=[], v=[], n=version, t=training: getattr(raw, n)(
                x=x, scale=s, offset=o, mean=m, variance=v, epsilon=1e-3, is_training=t, data_format="NHWC"
            )[: 3 if t else 1],
        )
case("LRN", [F(2, 2, 3, 8)], lambda x: tf.nn.lrn(x, 2, 1.0, 0.3, 0.75))
for padding in ("SAME", "VALID"):
    case(
        "Conv2D" + padding, [F(2, 7, 6, 3), F(3, 2, 3, 4)], lambda x, w, p=padding: tf.nn.conv2d(x, w, [1, 2, 1, 1], p)
    )
    for name in ("max_pool", "avg_pool"):
        function = getattr(tf.nn, name)
        case(name + padding, [K(2, 7, 6, 2)], lambda x, f=function, p=padding: f(x, [1, 3, 2, 1], [1, 2, 2, 1], p))
case(
    "ConvDilated",
    [F(1, 7, 7, 2), F(3, 3, 2, 2)],
    lambda x, w: tf.stop_gradient(tf.nn.convolution(x, w, "VALID", dilation_rate=[1, 1])),
)
case(
    "ConvExplicit", [F(1, 5, 5, 2), F(3, 3, 2, 2)], lambda x, w: tf.nn.conv2d(x, w, 1, [[0, 0], [1, 0], [2, 1], [0, 0]])
)
case("Depthwise", [F(2, 5, 5, 3), F(2, 2, 3, 2)], lambda x, w: tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME"))
case(
    "ConvTransposed",
    [F(2, 3, 3, 4), F(2, 2, 3, 4)],
    lambda x, w: tf.nn.conv2d_transpose(x, w, [2, 6, 6, 3], [1, 2, 2, 1], "SAME"),
)
case(
    "ConvFilter",
    [F(2, 5, 5, 3), F(2, 5, 5, 4)],
    lambda x, g: tf.nn.conv2d_backprop_filter(x, [3, 3, 3, 4], g, [1, 1, 1, 1], "SAME"),
)

for name in each("Relu Relu6 Elu Selu Softplus Softsign Sigmoid Tanh Sqrt Rsqrt Reciprocal Inv"):
    old = name in ("Sigmoid", "Tanh", "Sqrt", "Rsqrt", "Reciprocal", "Inv")
    op = getattr(raw, name + "Grad")
    second = "outputs" if name in ("Elu", "Selu") else "features"
    names = ("y", "dy") if old else (second, "gradients")
    first = P(4, 5) if old else K(4, 5)
    case(name + "Grad", [first, F(4, 5)], lambda x, g, o=op, n=names: tf.stop_gradient(o(**{n[0]: x, n[1]: g})))
case(
    "LeakyReluGrad",
    [K(4, 5), F(4, 5)],
    lambda x, g: tf.stop_gradient(raw.LeakyReluGrad(features=x, gradients=g, alpha=0.3)),
)
case("BiasAddGrad", [F(3, 2, 4)], lambda g: tf.stop_gradient(raw.BiasAddGrad(out_backprop=g)))
case(
    "GradientPenalty",
    [F(5, 4), F(4, 3)],
    lambda x, w: tf.gradients(
        tf.nn.softplus(tf.matmul(x, w) * tf.tanh(tf.reduce_sum(x, 1, keepdims=True) + tf.zeros([1, 3]))), x
    )[0],
)

case("Dropout", [F(6, 5)], lambda x: tf.nn.dropout(x, rate=0.4))
case("CondTrue", [F(3, 4)], lambda x: tf.cond(tf.constant(True), lambda: tf.nn.relu(x), lambda: x * 2))
case("CondFed", [np.bool_(B(1)[0]), F(3, 4)], lambda p, x: tf.cond(p, lambda: tf.exp(x), lambda: (x * 2) + 1))
for flags in range(4):
    case(
        f"CondNested{flags}",
        [np.bool_(flags & 1), np.bool_(flags & 2), F(3)],
        lambda p, q, x: tf.cond(
            p, lambda: tf.cond(q, lambda: x * 2, lambda: tf.zeros([3])) + 1, lambda: tf.ones([3]) - x
        ),
    )


def doubled_until(i, x):
    return tf.while_loop(lambda i, _: i < 5, lambda i, v: (i + 1, tf.tanh(v * 2 + tf.cast(i, tf.float32))), [i, x])


def nested(x, y):
    """A loop of loops; the inner one is longer from turn to turn."""
    inner = lambda i, v: tf.while_loop(lambda j, _: j < i, lambda j, u: (j + 1, u * y + x), [0, v])[1]  # noqa: E731
    return tf.while_loop(lambda i, _: i < 4, lambda i, v: (i + 1, tf.sin(inner(i, v))), [0, x])[1]


def now_and_then(p, x):
    """tf.cond in a loop, by the turn and by what is fed."""
    by_turn = lambda i, v: tf.cond(tf.equal(i % 2, 0), lambda: v * x, lambda: v - tf.ones([3]))  # noqa: E731
    both = lambda i, v: tf.cond(p, lambda: by_turn(i, v), lambda: tf.exp(-v))  # noqa: E731
    return tf.while_loop(lambda i, _: i < 3, lambda i, v: (i + 1, both(i, v)), [0, x])[1]


class Cell(tf.nn.rnn_cell.RNNCell):
    """Without variables."""

    state_size = output_size = 3

    def call(self, x, state):
        after = tf.tanh(state * 0.7 + tf.concat([x, x[:, :1]], 1))
        return after * x[:, 1:], after


def recurrent(x, lengths, state):
    return tf.nn.dynamic_rnn(Cell(), x, lengths, state)


def both_ways(x, lengths):
    outputs, last = tf.nn.bidirectional_dynamic_rnn(Cell(), Cell(), x, lengths, dtype=tf.float32, time_major=True)
    return [*outputs, *last]


def pieces(x):
    array = tf.TensorArray(tf.float32, 3, infer_shape=False, clear_after_read=False).split(x, [1, 3, 2])
    return array.read(1)[:2] * 2, array.concat(), array.size()


def scattered(x):
    held = tf.TensorArray(tf.float32, 0, dynamic_size=True, clear_after_read=False).scatter([3, 0, 2, 1], x)
    return held.gather([0, 3, 3]), held.size()


case("While", [F(3, 4)], lambda x: doubled_until(0, x))
for start in (2, 5):  # which makes three turns, and none
    case(f"WhileFed{start}", [np.int32(start), F(3, 4)], doubled_until)
case("WhileNested", [F(3), F(3)], nested)
for flag in (False, True):
    case(f"WhileWithCond{flag}", [np.bool_(flag), F(3)], now_and_then)
    case(
        f"CondWithWhile{flag}",
        [np.bool_(flag), F(3)],
        lambda p, x: tf.cond(p, lambda: doubled_until(1, x)[1], lambda: tf.ones([3]) - x),
    )
case("MapFn", [F(4, 3), F(4, 3)], lambda x, y: tf.map_fn(lambda row: row[0] * tf.sin(row[1]), (x, y), tf.float32))
case("Scan", [F(4, 3), F(3)], lambda x, first: tf.scan(lambda so_far, row: tf.tanh(so_far * row), x, first))
case("FoldlFoldr", [F(4, 3)], lambda x: [fold(lambda a, b: a * b + 1, x) for fold in (tf.foldl, tf.foldr)])
case("Recurrent", [F(4, 5, 2), np.array([5, 2, 0, 3], np.int32), F(4, 3)], recurrent)
case("RecurrentBothWays", [F(5, 4, 2), np.array([2, 1, 4, 3], np.int32)], both_ways)
case("ArrayOfPieces", [F(6, 2)], pieces)
case("ArrayScattered", [F(4, 2)], scattered)
case("FunctionWithLoop", [F(4, 3)], lambda x: LOOPING(x))
case("Function", [F(3, 4)], lambda x: FUNCTION(x, tf.constant([1.0, 2.0, 3.0, 4.0])))


@tf.function
def FUNCTION(x, y):
    return tf.tanh(x * y) + tf.constant(0.5)


@tf.function
def LOOPING(x):
    so_far = tf.TensorArray(tf.float32, tf.shape(x)[0])
    turn = lambda i, v, held: (i + 1, v * x[i] + 1, held.write(i, tf.sin(v)))  # noqa: E731
    _, v, held = tf.while_loop(lambda i, *_: i < tf.shape(x)[0], turn, [0, x[0], so_far])
    return v, held.stack(), held.read(1)


def made(name, inputs, function, feed):
    """Outputs and gradients, by key."""
    holders = [tf.placeholder(one.dtype, one.shape) for one in map(np.asarray, inputs)]
    outputs = function(*holders)
    outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    wanted = [one for one in outputs if one.dtype == tf.float32]
    weights = [tf.placeholder(tf.float32, one.shape) for one in wanted]
    floats = [one for one in holders if one.dtype == tf.float32]
    gradients = differentiated(wanted, floats, weights)
    feed.update(zip(holders, inputs))
    told = {
        "inputs": [one.name for one in holders],
        "outputs": [one.name for one in outputs],
        "weights": {one.name: weight.name for one, weight in zip(wanted, weights)},
        "gradients": {one.name: gradient is not None for one, gradient in zip(floats, gradients)},
    }
    found = {one.name: one for one in outputs}
    found.update(("grad|" + one.name, gradient) for one, gradient in zip(floats, gradients) if gradient is not None)
    return told, found, list(zip(wanted, weights))


def differentiated(wanted, floats, weights):
    """None where TensorFlow has no gradient."""
    try:
        return tf.gradients(wanted, floats, weights) if wanted and floats else [None] * len(floats)
    except LookupError:
        return [None] * len(floats)


def main():
    tf.set_random_seed(RNG.randint(2**31 - 1))
    feed, told, wanted, weighted = {}, {}, {}, []
    for name, (inputs, function) in CASES.items():
        with tf.name_scope(name):
            told[name], found, pairs = made(name, inputs, function, feed)
        weighted += pairs
        wanted.update(("out|" + key, tensor) for key, tensor in found.items())
    graph = tf.get_default_graph()
    draws = [op.outputs[0] for op in graph.get_operations() if op.type == "RandomUniform"]
    wanted.update(("draw|" + one.name, one) for one in draws)
    config = tf.ConfigProto(graph_options=tf.GraphOptions(rewrite_options={"disable_meta_optimizer": True}))
    config.graph_options.optimizer_options.opt_level = -1
    with tf.Session(config=config) as session:
        shaped = session.run([tensor for tensor, _ in weighted], feed)
        feed.update((weight, F(*one.shape)) for (_, weight), one in zip(weighted, shaped))
        arrays = session.run(wanted, feed)
    arrays.update(("feed|" + tensor.name, np.asarray(value)) for tensor, value in feed.items())
    graph = described(graph)
    arrays.update(("const|" + name, array) for name, array in graph.constants.items())
    arrays["told"] = np.asarray(json.dumps({"cases": told, "graph": graph.graph}))
    np.savez(sys.argv[2], **arrays)


main()
