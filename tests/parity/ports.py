"""Steps as people write them when they port a TensorFlow 1.x program by hand: in JAX, optax, PyTorch and NumPy.

Each takes and returns what `parity.prove` asks for. The names of the functions say which are right.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

KEEP = 0.7
L2 = 1e-3
RATE = 0.01
MASK = "dropout/random_uniform/RandomUniform:0"
NAMES = ("dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias")


def logits_of(weights, x, mask=None, scale=1 / KEEP):
    hidden = jax.nn.relu(x @ weights["dense/kernel"] + weights["dense/bias"])
    if mask is not None:
        hidden = jnp.where(mask >= 1 - KEEP, hidden * scale, 0)
    return hidden @ weights["dense_1/kernel"] + weights["dense_1/bias"]


def mean_loss(weights, batch, draws, scale=1 / KEEP):
    logits = logits_of(weights, batch["x:0"], draws.get(MASK), scale)
    return optax.softmax_cross_entropy(logits, batch["y:0"]).mean()


def sum_loss(weights, batch, draws):
    return optax.softmax_cross_entropy(logits_of(weights, batch["x:0"]), batch["y:0"]).sum()


def unscaled_loss(weights, batch, draws):
    return mean_loss(weights, batch, draws, scale=1.0)


def penalty(weights, names):
    return L2 * sum(jnp.square(weights[name]).sum() for name in names) / 2


def l2_on_kernels(weights, batch, draws):
    return mean_loss(weights, batch, draws) + penalty(weights, [name for name in NAMES if "kernel" in name])


def l2_on_everything(weights, batch, draws):
    return mean_loss(weights, batch, draws) + penalty(weights, NAMES)


def tensorflows_adam(weights, slots, grads):
    """Epsilon beside the root that is not corrected."""
    alpha = RATE * jnp.sqrt(1 - slots["beta2_power"]) / (1 - slots["beta1_power"])
    made, kept = {}, {}
    for name, grad in grads.items():
        m = slots[f"{name}/Adam"] + (grad - slots[f"{name}/Adam"]) * (1 - 0.9)
        v = slots[f"{name}/Adam_1"] + (grad * grad - slots[f"{name}/Adam_1"]) * (1 - 0.999)
        made[name] = weights[name] - m * alpha / (jnp.sqrt(v) + 1e-8)
        kept |= {f"{name}/Adam": m, f"{name}/Adam_1": v}
    powers = {"beta1_power": slots["beta1_power"] * 0.9, "beta2_power": slots["beta2_power"] * 0.999}
    return made, {**kept, **powers}


def optaxs_adam(weights, slots, grads):
    count = jnp.asarray(slots["global_step"], jnp.int32)
    m, v = ({name: slots[f"{name}/{slot}"] for name in weights} for slot in ("Adam", "Adam_1"))
    state = (optax.ScaleByAdamState(count, m, v), optax.EmptyState())
    updates, (state, _) = optax.adam(RATE, eps=1e-8).update(grads, state, weights)
    kept = {f"{name}/Adam": state.mu[name] for name in weights}
    kept |= {f"{name}/Adam_1": state.nu[name] for name in weights}
    return optax.apply_updates(weights, updates), kept


def optaxs_rmsprop(weights, slots, grads, fresh=False):
    """From TensorFlow's accumulators, or from optax's own, which are 0."""
    optimizer = optax.rmsprop(RATE, decay=0.9, eps=1e-10, momentum=0.5)
    state = optimizer.init(weights)
    if not fresh:
        given = {slot: {name: slots[f"{name}/{slot}"] for name in weights} for slot in ("RMSProp", "RMSProp_1")}
        trace = jax.tree.map(lambda one: -one, given["RMSProp_1"])
        state = (state[0]._replace(nu=given["RMSProp"]), state[1], state[2]._replace(trace=trace))
    updates, _ = optimizer.update(grads, state, weights)
    return optax.apply_updates(weights, updates), {}


def fresh_rmsprop(weights, slots, grads):
    return optaxs_rmsprop(weights, slots, grads, fresh=True)


def optaxs_momentum(weights, slots, grads, nesterov=False):
    optimizer = optax.sgd(RATE, momentum=0.9, nesterov=nesterov)
    trace = optimizer.init(weights)[0]._replace(trace={name: slots[f"{name}/Momentum"] for name in weights})
    updates, state = optimizer.update(grads, (trace, optax.EmptyState()), weights)
    return optax.apply_updates(weights, updates), {f"{name}/Momentum": state[0].trace[name] for name in weights}


def nesterov(weights, slots, grads):
    return optaxs_momentum(weights, slots, grads, nesterov=True)


def in_jax(loss, update):
    """A step of a loss and an update."""

    @jax.jit
    def step(weights, slots, batch, draws):
        value, grads = jax.value_and_grad(loss)(weights, batch, draws)
        after, kept = update(weights, slots, grads)
        return {"loss": value, "grads": grads, "weights": after, "slots": kept}

    def called(weights, slots, batch, draws):
        slots = {name: np.asarray(one, np.int32) if one.dtype == np.int64 else one for name, one in slots.items()}
        with jax.numpy_dtype_promotion("standard"):  # optax mixes dtypes
            return step(weights, slots, batch, draws)

    return called


def in_torch(weights, slots, batch, draws, right=True):
    """With PyTorch's own Adam where it is not right."""
    params = {name: torch.tensor(array, requires_grad=True) for name, array in weights.items()}
    x, y = (torch.tensor(batch[name]) for name in ("x:0", "y:0"))
    hidden = torch.relu(x @ params["dense/kernel"] + params["dense/bias"])
    logits = hidden @ params["dense_1/kernel"] + params["dense_1/bias"]
    loss = torch.nn.functional.cross_entropy(logits, y)
    loss.backward()
    returned = {"loss": loss, "grads": {name: one.grad for name, one in params.items()}, "logits": logits}
    (_tensorflows if right else _torchs)(params, slots)
    return {**returned, "weights": params}


def in_torch_with_its_own_adam(weights, slots, batch, draws):
    return in_torch(weights, slots, batch, draws, right=False)


def _torchs(params, slots):
    optimizer = torch.optim.Adam(params.values(), lr=RATE, eps=1e-8)
    for name, one in params.items():
        m, v = (torch.tensor(slots[f"{name}/{slot}"]) for slot in ("Adam", "Adam_1"))
        optimizer.state[one] = {"step": torch.tensor(float(slots["global_step"])), "exp_avg": m, "exp_avg_sq": v}
    optimizer.step()


@torch.no_grad()
def _tensorflows(params, slots):
    alpha = RATE * np.sqrt(1 - slots["beta2_power"]) / (1 - slots["beta1_power"])
    for name, one in params.items():
        m, v = (torch.tensor(slots[f"{name}/{slot}"]) for slot in ("Adam", "Adam_1"))
        m += (one.grad - m) * (1 - np.float32(0.9))
        v += (one.grad * one.grad - v) * (1 - np.float32(0.999))
        one -= m * float(alpha) / (v.sqrt() + 1e-8)


def in_numpy(weights, slots, batch, draws):
    """Backpropagation by hand, plain gradient descent."""
    w1, b1, w2, b2 = (weights[name] for name in NAMES)
    x, y = batch["x:0"], batch["y:0"]
    hidden = np.maximum(x @ w1 + b1, 0)
    powers = np.exp(hidden @ w2 + b2)
    p = powers / powers.sum(1, keepdims=True)
    error = (p - y) / np.float32(len(x))
    below = error @ w2.T * (hidden > 0)
    grads = dict(zip(NAMES, (x.T @ below, below.sum(0), hidden.T @ error, error.sum(0)), strict=True))
    loss = -(y * np.log(p)).sum(1).mean()
    after = {name: weights[name] - np.float32(0.5) * grad for name, grad in grads.items()}
    return {"loss": loss, "grads": grads, "weights": after}


def in_numpy_transposed_by_mistake(weights, slots, batch, draws):
    """A kernel that is filled by reshaping, where it should have been transposed."""
    kernel = weights["dense_1/kernel"]
    return in_numpy({**weights, "dense_1/kernel": kernel.T.reshape(kernel.shape)}, slots, batch, draws)
