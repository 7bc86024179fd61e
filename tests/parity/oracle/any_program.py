"""Programs of the whole family, drawn at random: among enough of them every kind there is comes up.

And what `jaxmlp.tf1` makes of one: the initial weights, by the op seeds that TensorFlow 1.15 counts, and the masks.
"""

import itertools

import numpy as np

from jaxmlp import program as p
from jaxmlp.tf1 import initializers, random
from jaxmlp.tf1.op_seeds import REFORMAT, Graph
from jaxmlp.tf1.random import stream

UNIFORM = ("random_uniform", "glorot_uniform", "he_uniform", "lecun_uniform", "uniform_unit_scaling")
RATE = 0.01  # small enough for a few steps of anything


def kernels(rng):
    """One initializer of every kind."""
    scale = float(rng.uniform(0.5, 2))
    return [
        p.TruncatedNormal(0.1, 0.01 * scale),
        p.RandomNormal(0.1 * scale),
        p.RandomUniform(-0.1 * scale, 0.2),
        p.GlorotUniform(),
        p.GlorotNormal(),
        p.HeNormal(),
        p.HeUniform(),
        p.LecunNormal(),
        p.LecunUniform(),
        p.UniformUnitScaling(scale),
        p.VarianceScaling(scale),
        p.VarianceScaling(scale, "fan_out", "untruncated_normal"),
        p.VarianceScaling(scale, "fan_avg", "uniform"),
        p.Xavier(),
        p.Xavier(uniform=False),
        p.Constant(0.01 * scale),
        p.Zeros(),
        p.Ones(),
    ]


def biases(rng):
    """One of every kind, and none."""
    drawn = [p.TruncatedNormal(0.1, 0.05), p.RandomNormal(0.1), p.RandomUniform(-0.1, 0.1)]
    return [p.Zeros(), p.Ones(), p.Constant(float(rng.uniform(-0.1, 0.1))), *drawn, None]


def schedules(rng):
    """A number, and one schedule of every kind, all of them in motion within a few steps."""
    n = int(rng.integers(2, 5))
    return [
        RATE,
        p.ExponentialDecay(RATE, n, 0.7),
        p.ExponentialDecay(RATE, n, 0.7, staircase=True),
        p.NaturalExpDecay(RATE, n, 0.7),
        p.InverseTimeDecay(RATE, n, 0.7),
        p.PolynomialDecay(RATE, n, 0.001, float(rng.uniform(0.5, 2))),
        p.PolynomialDecay(RATE, n, 0.001, cycle=True),
        p.PiecewiseConstant((n - 2, n), (RATE, RATE / 2, RATE / 4)),
        p.CosineDecay(RATE, n, 0.1),
        p.LinearCosineDecay(RATE, n),
        p.CosineDecayRestarts(RATE, n),
        p.StepDecay(RATE, n, 0.7),
        p.Triangular(RATE / 2, RATE, n),
        p.Triangular2(RATE / 2, RATE, n),
        p.ExpRange(RATE / 2, RATE, n, 0.9),
    ]


def optimizers(rate):
    """One of every kind, and of its switches."""
    strengths = {"l1_regularization_strength": 0.001, "l2_regularization_strength": 0.01}
    return [
        p.GradientDescent(rate),
        p.Momentum(rate, 0.8),
        p.Momentum(rate, use_nesterov=True),
        p.Adam(rate, 0.8, 0.99, 1e-4),
        p.RMSProp(rate, 0.8, 0.3, 1e-5),
        p.RMSProp(rate, 0.8, 0.3, 1e-5, centered=True),
        p.Adagrad(rate, 0.2),
        p.Adadelta(rate, 0.9, 1e-6),
        p.Ftrl(rate, -0.5, 0.2, l2_shrinkage_regularization_strength=0.01, **strengths),
        p.ProximalGradientDescent(rate, **strengths),
        p.ProximalAdagrad(rate, 0.2, **strengths),
        p.AdagradDA(rate, 0.2, **strengths),
    ]


LOSSES = [
    p.SoftmaxCrossEntropy(),
    p.SparseSoftmaxCrossEntropy(),
    p.SigmoidCrossEntropy(),
    p.NaiveCrossEntropy(epsilon=1e-6),
    p.NaiveCrossEntropy(clip_value_min=1e-6),
    p.MeanSquaredError(),
    p.MeanSquaredError("softmax"),
    p.AbsoluteDifference("sigmoid"),
    p.Huber("logits", 0.3),
    p.Hinge(),
    p.LogLoss("softmax", 1e-3),  # below, what is lost to rounding near 1 is told apart by no test
    p.LogLoss("sigmoid", 1e-2),
]
CLIPPINGS = [None, p.ClipByGlobalNorm(0.1), p.ClipByNorm(0.05), p.ClipByValue(-0.001, 0.002)]
PENALTIES = [None, p.L2(0.01), None, p.L2(0.02, biases=True)]
SCALES, UNITS = [255, 1000, 255], [12, 1000, 7, 36, 1, 1030]  # from 1000 on tf.zeros is more than one op


def batchings(images):
    """None, and every order; sizes that leave something over."""
    return [
        None,
        *(
            p.Batching(size, order, left)
            for size, order, left in zip(
                (images // 4 + 1, images // 3 + 1, images // 5, images // 3), p.ORDERS, (3, 0, 5, 0), strict=True
            )
        ),
    ]


def programs(rng, count, images, steps):
    """So many settled programs."""

    def turns(options):
        """All of them in some order, over and over."""
        return itertools.cycle([options[i] for i in rng.permutation(len(options))])

    kernel, bias, activation, units = map(turns, (kernels(rng), biases(rng), p.ACTIVATIONS, UNITS))
    loss, clipping, l2, batching = map(turns, (LOSSES, CLIPPINGS, PENALTIES, batchings(images)))
    rate, scale, optimizer = turns(schedules(rng)), turns(SCALES), turns(range(12))
    depth, keep = turns([0, 1, 2, 3, 1]), turns([0.5, 1.0, 0.8, 1.0, 1.0])
    for _ in range(count):
        layers = [
            p.Dense(next(units), next(kernel), next(bias), next(activation), next(keep)) for _ in range(next(depth))
        ]
        yield p.Program(
            tuple(layers),
            p.Output(next(kernel), next(bias), next(activation) if rng.random() < 0.3 else "identity"),
            optimizers(next(rate))[next(optimizer)],
            steps,
            report_every=2,
            seed=int(rng.integers(2**40)),
            loss=next(loss),
            l2=next(l2),
            clipping=next(clipping),
            batching=next(batching),
            scale=next(scale),
            input_keep_prob=next(keep),
            evaluation_draws=bool(rng.random() < 0.5),
        )


def keep_probs(program):
    """By the masks' names."""
    kept = {"input": program.input_keep_prob}
    kept |= {str(i): layer.keep_prob for i, layer in enumerate(program.layers, 1)}
    return {name: keep for name, keep in kept.items() if keep < 1}


def started(program, pixels, classes):
    """The initial weights by name; each dropout's op seed by its mask's name; and all seeds as they were drawn."""
    graph, weights, dropouts, seeds = Graph(), {}, {}, []
    kept = keep_probs(program)
    fed = "keep_prob" if program.evaluation_draws else None
    graph.make(*REFORMAT, *REFORMAT, *(["placeholder"] * len(kept) if fed else []))
    graph.make(*([] if program.scale == 1 else ["constant", "multiply"]))

    def variable(name, initializer, *shape):
        kind, drawn = initializer.kind, initializer
        if kind not in ("constant", "zeros", "ones"):
            kind = "random_uniform" if is_uniform(drawn) else "truncated_normal"
        seed = graph.variable(kind, shape)
        seeds.extend([] if seed is None else [seed])
        weights[name] = values(drawn, shape, seed and stream(program.seed, seed))

    def dropped(name):
        if name in kept:
            dropouts[name] = graph.dropout(fed)
            seeds.append(dropouts[name])

    dropped("input")
    output = p.Dense(classes, program.output.kernel, program.output.bias, program.output.activation)
    for i, layer in enumerate((*program.layers, output), 1):
        variable(f"weights_{i}", layer.kernel, pixels, layer.units)
        if layer.bias is not None:
            variable(f"biases_{i}", layer.bias, layer.units)
        graph.make("matmul", *(["add"] if layer.bias else []))
        plain = {"identity": [], "leaky_maximum": ["constant", "multiply", "subtract"]}  # a maximum is one op, too
        graph.make(*plain.get(layer.activation, [layer.activation]))
        dropped(str(i))
        pixels = layer.units
    return weights, dropouts, seeds


def is_uniform(initializer):
    kind = initializer.kind
    return kind in UNIFORM or getattr(initializer, "uniform", getattr(initializer, "distribution", None) == "uniform")


def values(initializer, shape, drawn):
    """What the initializer draws from its stream."""
    arguments = {name: value for name, value in vars(initializer).items() if name != "kind"}
    kind = initializer.kind
    if drawn is None:
        return getattr(initializers, kind)(shape, **arguments)
    return getattr(random if hasattr(random, kind) else initializers, kind)(shape, drawn, **arguments)


def masks(program, dropouts, units, sizes, tested):
    """Of each step the masks by name. `sizes`: of the batches; `tested`: how many test images followed each step."""
    found = [{} for _ in sizes]
    for name, op_seed in dropouts.items():
        draws, keep = stream(program.seed, op_seed), keep_probs(program)[name]
        rate = 1 - np.float32(keep) if program.evaluation_draws else np.float32(1 - keep)  # of a tensor, of a number
        for step, (size, tests) in enumerate(zip(sizes, tested, strict=True)):
            shape = size, units[name]
            found[step][name] = random.random_uniform(shape, draws) >= rate
            draws = draws.after(shape)
            if tests and program.evaluation_draws:
                draws = draws.after((tests, units[name]))
    return found
