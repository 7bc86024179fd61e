"""Small training programs in genuine TensorFlow 1.15, one step after the other (runs on Python 3.7).

python graph_programs.py SEED OUT.npz: each optimizer on reference or on resource variables, and what else changes
variables: clipped gradients, decayed rates, moving averages, batch norm, dropout, tf.cond, training by hand, tf.keras.
Written as the flight recorder writes: a description of each program, its graph, arrays by program|step|role|name.
"""

import json
import re
import sys

import numpy as np
import tensorflow.compat.v1 as tf

from parity.oracle.py37.graphdef import described

RNG = np.random.RandomState(int(sys.argv[1]))
STEPS = 3
ROWS, WIDTH, UNITS, CLASSES = 9, 6, 8, 4
WORDS = 7  # fewer than a batch looks up
APPLY = re.compile("^(Resource)?(Sparse)?Apply")
ASSIGN = re.compile("^Assign|^(Resource)?Scatter(Add|Sub|Update)$")
PROGRAMS = {}


def program(function):
    PROGRAMS[function.__name__] = function
    return function


def inputs():
    x = tf.placeholder(tf.float32, [None, WIDTH], name="x")
    return x, tf.placeholder(tf.float32, [None, CLASSES], name="y")


def loss_of(x, y, resource=False):
    with tf.variable_scope("net", use_resource=resource):
        hidden = tf.layers.dense(x, UNITS, tf.nn.tanh, name="a")
        logits = tf.layers.dense(hidden, CLASSES, name="b")
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=y, logits=logits))


OPTIMIZERS = {
    "descent": lambda: tf.train.GradientDescentOptimizer(0.3),
    "momentum": lambda: tf.train.MomentumOptimizer(0.1, 0.9),
    "nesterov": lambda: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adam": lambda: tf.train.AdamOptimizer(0.01, epsilon=1e-4),
    "rmsprop": lambda: tf.train.RMSPropOptimizer(0.01, momentum=0.5),
    "centered": lambda: tf.train.RMSPropOptimizer(0.01, centered=True, epsilon=1e-3),
    "adagrad": lambda: tf.train.AdagradOptimizer(0.1),
    "adadelta": lambda: tf.train.AdadeltaOptimizer(1.0, epsilon=1e-4),
    "ftrl": lambda: tf.train.FtrlOptimizer(0.1, l1_regularization_strength=0.01),
    "ftrl_power": lambda: tf.train.FtrlOptimizer(0.1, -0.4, l2_shrinkage_regularization_strength=0.1),
    "proximal": lambda: tf.train.ProximalGradientDescentOptimizer(0.1, 0.01, 0.01),
    "proximal_adagrad": lambda: tf.train.ProximalAdagradOptimizer(0.1, 0.1, 0.01, 0.01),
    "adagrad_da": lambda: tf.train.AdagradDAOptimizer(0.1, tf.train.get_or_create_global_step(), 0.1, 0.001, 0.01),
}


def optimized(make, resource):
    def build():
        loss = loss_of(*inputs(), resource=resource)
        return loss, make(), {"global_step": tf.train.get_or_create_global_step()}

    return build


for name, make in OPTIMIZERS.items():  # one kind of variable each time, so that both are met in time
    PROGRAMS[name] = optimized(make, resource=bool(RNG.randint(2)))


def embedded(make, resource, **extra):
    """Rows of a table, some of them twice, by two lookups: the gradient is tf.IndexedSlices."""

    def build():
        words, (_, y) = tf.placeholder(tf.int32, [None, 3], name="words"), inputs()
        with tf.variable_scope("net", use_resource=resource):
            table = tf.get_variable("table", [WORDS, UNITS])
            looked = tf.reduce_mean(tf.nn.embedding_lookup(table, words), 1) + tf.gather(table, words[:, 0])
            logits = tf.layers.dense(tf.nn.tanh(looked), CLASSES)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=y, logits=logits))
        return loss, make(), {"global_step": tf.train.get_or_create_global_step(), **extra}

    return build


for name, make in OPTIMIZERS.items():
    PROGRAMS["rows_" + name] = embedded(make, resource=name in ("descent", "adam", "adagrad"))
for name in ("Adam", "RMSprop", "Adagrad", "Ftrl"):
    PROGRAMS["rows_keras_" + name] = embedded(lambda name=name: getattr(tf.keras.optimizers, name)(0.01), True)


def clipped(grads_and_vars):
    grads, variables = zip(*grads_and_vars)
    return list(zip(tf.clip_by_global_norm(grads, 0.1)[0], variables))


@program
def clipped_and_decayed():
    step = tf.train.get_or_create_global_step()
    rate = tf.train.exponential_decay(0.5, step, 2, 0.7, staircase=True)
    return loss_of(*inputs()), tf.train.GradientDescentOptimizer(rate), {"global_step": step, "change": clipped}


PROGRAMS["rows_clipped"] = embedded(OPTIMIZERS["adagrad"], False, change=clipped)
PROGRAMS["rows_keras_momentum"] = embedded(lambda: tf.keras.optimizers.SGD(0.1, 0.9, True), True)


@program
def averaged_after_the_update():
    step = tf.Variable(0, trainable=False)
    return loss_of(*inputs()), tf.train.AdamOptimizer(0.01, epsilon=1e-3), {"global_step": step, "average": True}


@program
def batch_norm_and_dropout():
    x, y = inputs()
    training = tf.placeholder(tf.bool, [], name="training")
    z = tf.layers.dense(x, UNITS, use_bias=False)
    z = tf.nn.relu(tf.layers.batch_normalization(z, training=training))
    z = tf.layers.dropout(z, 0.4, training=training)
    logits = tf.layers.dense(z, CLASSES)
    loss = tf.losses.softmax_cross_entropy(y, logits) + 0.01 * tf.nn.l2_loss(tf.trainable_variables()[0])
    return loss, tf.train.MomentumOptimizer(0.1, 0.5), {"before": tf.get_collection(tf.GraphKeys.UPDATE_OPS)}


@program
def rate_in_a_variable():
    rate = tf.Variable(0.2, trainable=False)
    slower = tf.assign(rate, rate * 0.5)
    return loss_of(*inputs()), tf.train.GradientDescentOptimizer(rate), {"after": slower}


@program
def keras_momentum():
    return loss_of(*inputs(), resource=True), tf.keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True), {}


@program
def keras_rmsprop():
    return loss_of(*inputs(), resource=True), tf.keras.optimizers.RMSprop(0.01, epsilon=1e-4), {}


@program
def keras_adamax():
    return loss_of(*inputs(), resource=True), tf.keras.optimizers.Adamax(0.01, epsilon=1e-4), {}


@program
def keras_adagrad():
    return loss_of(*inputs(), resource=True), tf.keras.optimizers.Adagrad(0.01), {}


@program
def by_hand():
    x, y = inputs()
    w = tf.Variable(tf.random_normal([WIDTH, CLASSES]))
    p = tf.sigmoid(tf.matmul(x, w))
    change = tf.matmul(x, (p - y) * p * (1 - p), transpose_a=True)
    return tf.reduce_sum(tf.square(p - y)), None, {"train": tf.assign(w, w - 0.1 * change)}


def trained(loss, optimizer, extra):
    """The training op, and gradients by variable."""
    if optimizer is None:
        return extra["train"], {}
    if isinstance(optimizer, tf.keras.optimizers.Optimizer):
        variables = tf.trainable_variables()
        pairs = list(zip(optimizer.get_gradients(loss, variables), variables))
        train = optimizer.apply_gradients(pairs)
    else:
        pairs = optimizer.compute_gradients(loss)
        with tf.control_dependencies(extra.get("before", [])):
            changed = extra["change"](pairs) if "change" in extra else pairs
            train = optimizer.apply_gradients(changed, extra.get("global_step"))
    if "average" in extra:
        with tf.control_dependencies([train]):
            train = tf.train.ExponentialMovingAverage(0.9, extra["global_step"]).apply(tf.trainable_variables())
    if "after" in extra:
        with tf.control_dependencies([train]):
            graph = tf.get_default_graph()
            extra["after"].op._add_control_input(train if isinstance(train, tf.Operation) else train.op)
            train = graph.get_operation_by_name(extra["after"].op.name)
    return train, {variable.op.name: gradient for gradient, variable in pairs}


def ancestors(op):
    seen, todo = [], [op if isinstance(op, tf.Operation) else op.op]
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.append(one)
            todo += [tensor.op for tensor in one.inputs] + list(one.control_inputs)
    return sorted(seen, key=lambda one: one._id)


def variable_of(tensor):
    op = tensor.op
    while op.type not in ("VariableV2", "VarHandleOp"):
        op = op.inputs[0].op
    return op.name


def record(number, build, arrays):
    graph = tf.Graph()
    with graph.as_default(), tf.Session(graph=graph) as session:
        tf.set_random_seed(RNG.randint(2**31 - 1))
        loss, optimizer, extra = build()
        train, gradients = trained(loss, optimizer, extra)
        ops = ancestors(train)
        trainable = {one.op.name for one in tf.trainable_variables()}
        writes = [one for one in ops if APPLY.match(one.type) or ASSIGN.match(one.type)]
        updates = [one for one in writes if APPLY.match(one.type) or variable_of(one.inputs[0]) in trainable]
        variables = {one.op.name: one for one in tf.global_variables()}
        draws = {one.outputs[0].name: one.outputs[0] for one in ops if one.type == "RandomUniform"}
        draws = {name: tensor for name, tensor in draws.items() if "dropout" in name}
        session.run(tf.global_variables_initializer())
        for name, value in variables.items():
            if name in trainable:
                value.load(session.run(value) + RNG.randn(*value.shape.as_list()) * 0.3, session)
        feeds = [one.outputs[0] for one in ops if one.type == "Placeholder"]
        graph.finalize()
        graph._unfetchable_ops.clear()  # what is drawn inside a tf.cond
        for step in range(STEPS):
            drawing = step < STEPS - 1  # the last step does not train by its phase: its branch draws nothing
            feed = {one: drawing if one.dtype == tf.bool else fed(one) for one in feeds}
            told = {"before": session.run(variables), "feed": {one.name: feed[one] for one in feeds}}
            fetched = session.run(
                {"loss": loss, "gradient": gradients, "draw": draws if drawing else {}, "train": train}, feed
            )
            told.update(after=session.run(variables), loss={loss.name: fetched["loss"]})
            whole = {key: filled(one, told["before"][key]) for key, one in fetched["gradient"].items()}
            told.update(gradient=whole, draw=fetched["draw"])
            for role, named in told.items():
                for name, array in named.items():
                    arrays[f"{number}|{step}|{role}|{name}"] = np.asarray(array)
        plain = described(graph)
    arrays.update((f"const|{number}|{name}", array) for name, array in plain.constants.items())
    one = {
        "updates": [{"op": op.name, "type": op.type, "variable": variable_of(op.inputs[0])} for op in updates],
        "side": [{"op": op.name, "type": op.type} for op in writes if op not in updates],
        "variables": list(variables),
        "losses": [loss.name] if gradients else [],
        "calls": [called(loss, gradients)] if gradients else [],
        "gradients": {name: one.name for name, one in gradients.items()},
        "steps": list(range(STEPS)),
    }
    return one, plain.graph


def called(loss, gradients):
    sparse = {name: one for name, one in gradients.items() if isinstance(one, tf.IndexedSlices)}
    values = {name: one.values if name in sparse else one for name, one in gradients.items()}
    names = {name: one.name for name, one in values.items()}
    return {
        "losses": [loss.name],
        "gradients": names,
        "indices": {name: one.indices.name for name, one in sparse.items()},
    }


def filled(gradient, like):
    """A sparse one as the whole one."""
    if isinstance(gradient, np.ndarray):
        return gradient
    whole = np.zeros_like(like)
    np.add.at(whole, gradient.indices, gradient.values)
    return whole


def fed(holder):
    if holder.op.name == "words":
        return RNG.randint(0, WORDS, (ROWS, 3)).astype(np.int32)
    if holder.op.name == "y":
        return np.eye(CLASSES, dtype=np.float32)[RNG.randint(0, CLASSES, ROWS)]
    return RNG.randn(ROWS, WIDTH).astype(np.float32)


def main():
    arrays, told = {}, {}
    for number, (name, build) in enumerate(PROGRAMS.items()):
        told[name] = record(number, build, arrays)
    arrays["told"] = np.asarray(json.dumps(told))
    np.savez(sys.argv[2], **arrays)


main()
