"""A raw folder as the recorder leaves it, of a small program that NumPy computes in float32 as TensorFlow does.

So recordings of many kinds are there in milliseconds, without TensorFlow: two layers, a ReLU, dropout, softmax
cross-entropy, an L2 penalty, clipping, a decaying rate, and each usual optimizer.
"""

import dataclasses
import json
from pathlib import Path

import numpy as np

from parity.compare.recorded.limits import Spread, StepLimits
from parity.compare.recorded.raw import of_folder
from parity.compare.recorded.recording import Recording

F = np.float32
KERNELS, BIASES = ("dense/kernel", "dense_1/kernel"), ("dense/bias", "dense_1/bias")
WEIGHTS = ("dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias")
SLOTS = {  # of an update op: argument, how TensorFlow calls the slot, what it starts with
    "ApplyGradientDescent": {},
    "ApplyMomentum": {"accum": ("Momentum", 0.0)},
    "ApplyAdam": {"m": ("Adam", 0.0), "v": ("Adam_1", 0.0)},
    "ApplyRMSProp": {"ms": ("RMSProp", 1.0), "mom": ("RMSProp_1", 0.0)},
    "ApplyAdagrad": {"accum": ("Adagrad", 0.1)},
    "ApplyAddSign": {"m": ("AddSign", 0.0)},
}
NUMBERS = {
    "ApplyGradientDescent": {},
    "ApplyMomentum": {"momentum": 0.9},
    "ApplyAdam": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    "ApplyRMSProp": {"rho": 0.9, "momentum": 0.5, "epsilon": 1e-10},
    "ApplyAdagrad": {},
    "ApplyAddSign": {"alpha": 1.0, "sign_decay": 1.0, "beta": 0.9},
}
RATE = {"ApplyGradientDescent": "alpha"}


@dataclasses.dataclass(frozen=True)
class Like:
    """A program."""

    update: str = "ApplyAdam"
    rate: float = 0.01
    nesterov: bool = False
    widths: tuple[int, int, int] = (20, 16, 5)
    batch: int = 32
    l2: float = 0.0
    clip: float = 0.0  # by global norm
    keep: float = 1.0
    decay: float = 1.0  # of the rate, a step
    steps: tuple[int, ...] = (0, 1, 2, 6)
    resource: bool = False

    def rates(self, step):
        return F(self.rate * self.decay**step)

    def numbers(self, step):
        return {RATE.get(self.update, "lr"): self.rates(step), **{k: F(v) for k, v in NUMBERS[self.update].items()}}

    def slot_names(self, variable):
        return {argument: f"{variable}/{called}" for argument, (called, _) in SLOTS[self.update].items()}

    def start(self, rng):
        """Variables before step 0."""
        inputs, hidden, classes = self.widths
        shapes = ((inputs, hidden), (hidden,), (hidden, classes), (classes,))
        made = {n: (rng.normal(size=s) / np.sqrt(s[0])).astype(F) for n, s in zip(WEIGHTS, shapes, strict=True)}
        for name in WEIGHTS:
            for called, begun in SLOTS[self.update].values():
                made[f"{name}/{called}"] = np.full(made[name].shape, begun, F)
        if self.update == "ApplyAdam":
            made |= {"beta1_power": F(0.9), "beta2_power": F(0.999)}
        return made | {"global_step": np.int64(0)}

    def draw(self, rng):
        """A batch, and what dropout draws. Many pixels are 0, as in digits."""
        inputs, hidden, classes = self.widths
        x = np.where(rng.random((self.batch, inputs)) < 0.6, 0, rng.random((self.batch, inputs))).astype(F)
        x[:, 0] = 0  # a pixel that is never on
        y = np.eye(classes, dtype=F)[rng.integers(classes, size=self.batch)]
        drawn = {"dropout/random_uniform/RandomUniform:0": rng.random((self.batch, hidden)).astype(F)}
        return {"x:0": x, "y:0": y}, drawn if self.keep < 1 else {}

    def loss(self, variables, batch, draws, f=F):
        """loss, logits, gradients by variable; of another float, as exact as that is."""
        w1, b1, w2, b2 = (variables[name].astype(f) for name in WEIGHTS)
        x, y = (batch[name].astype(f) for name in ("x:0", "y:0"))
        kept = f(1)
        if draws:
            kept = (draws["dropout/random_uniform/RandomUniform:0"] >= F(1 - self.keep)).astype(f) * (
                f(1) / f(F(self.keep))
            )
        z = x @ w1 + b1
        h = np.maximum(z, 0) * kept
        logits = h @ w2 + b2
        shifted = logits - logits.max(1, keepdims=True)
        sums = np.exp(shifted).sum(1, keepdims=True)
        value = (y * (np.log(sums) - shifted)).sum(1).mean(dtype=f)
        back = (np.exp(shifted) / sums - y) / f(len(x))
        into = (back @ w2.T) * kept * (z > 0)
        l2 = f(F(self.l2))
        grads = (x.T @ into + l2 * w1, into.sum(0), h.T @ back + l2 * w2, back.sum(0))
        value = value + l2 * (np.square(w1).sum() + np.square(w2).sum()) / f(2) if self.l2 else value
        return f(value), logits, dict(zip(WEIGHTS, (one.astype(f) for one in grads), strict=True))

    def arrive(self, grads):
        if not self.clip:
            return grads
        norm = np.sqrt(F(sum(np.square(one).sum() for one in grads.values())))
        factor = F(self.clip) * np.minimum(F(1) / norm, F(1) / F(self.clip))
        return {name: grad * factor for name, grad in grads.items()}

    def moved(self, variables, arriving, step):
        """All variables after the update."""
        after, h = dict(variables), self.numbers(step)
        for name in WEIGHTS:
            slots = {argument: variables[slot] for argument, slot in self.slot_names(name).items()}
            after[name], new = UPDATES[self.update](variables[name], arriving[name], slots, h, variables, self.nesterov)
            after |= {self.slot_names(name)[argument]: value for argument, value in new.items()}
        if self.update == "ApplyAdam":
            after |= {f"{beta}_power": variables[f"{beta}_power"] * h[beta] for beta in ("beta1", "beta2")}
        return after | {"global_step": variables["global_step"] + 1}

    def described(self, name):
        """An update op as raw.json has it."""
        inputs = {"var": {"variable": name}}
        inputs |= {argument: {"variable": slot} for argument, slot in self.slot_names(name).items()}
        if self.update == "ApplyAdam":
            inputs |= {f"{beta}_power": {"variable": f"{beta}_power"} for beta in ("beta1", "beta2")}
        inputs |= {argument: {"tensor": f"train/{argument}:0"} for argument in self.numbers(0)}
        inputs["delta" if "Gradient" in self.update else "grad"] = {"tensor": f"gradients/{name}:0"}
        kind = f"{'Resource' if self.resource else ''}{self.update}"
        return {
            "op": f"train/update_{name}/{kind}",
            "type": kind,
            "variable": name,
            "inputs": inputs,
            "attributes": {"use_nesterov": self.nesterov},
        }

    def raw(self, folder: Path, rng) -> Path:
        """Writes raw.json and raw.npz."""
        variables, arrays, losses = self.start(rng), {}, []
        described = [self.described(name) for name in WEIGHTS]
        for step in range(max(self.steps) + 1):
            batch, draws = self.draw(rng)
            loss, logits, grads = self.loss(variables, batch, draws)
            arriving = self.arrive(grads)
            after = self.moved(variables, arriving, step)
            numbers = {f"{one['op']}/{k}": v for one in described for k, v in self.numbers(step).items()}
            parts = {"before": variables, "after": after, "feed": batch, "draw": draws, "loss": {"loss:0": loss}}
            parts |= {"gradient": grads, "arriving": arriving, "number": numbers, "logits": {"add_1:0": logits}}
            if step in self.steps:
                arrays |= {f"0|{step}|{role}|{n}": a for role, named in parts.items() for n, a in named.items()}
            losses.append(float(loss))
            variables = after
        constants = {
            "rate": self.rate,
            "l2": self.l2,
            "clip_norm": self.clip,
            "dropout/rate": 1 - self.keep,
            **NUMBERS[self.update],
        }
        arrays |= {f"const|0|{name}": F(value) for name, value in constants.items()}
        arrays |= {f"0|final|{name}": value for name, value in variables.items()} | {"0|losses": np.array(losses)}
        folder.mkdir(exist_ok=True)
        np.savez(folder / "raw.npz", **arrays)
        (folder / "raw.json").write_text(json.dumps(self._told(described, list(parts["before"]), list(batch))))
        return folder

    def _told(self, described, variables, feeds):
        side = [{"op": "train", "type": "AssignAdd", "variable": "global_step"}]
        if self.update == "ApplyAdam":
            side += [
                {"op": f"train/Assign_{b}", "type": "Assign", "variable": f"{b}_power"} for b in ("beta1", "beta2")
            ]
        gradients = {name: f"gradients/{name}:0" for name in WEIGHTS}
        program = {
            "graph": 0, "runs": max(self.steps) + 1, "kinds": {"Session.run": max(self.steps) + 1},
            "updates": described, "side": side, "trainable": list(WEIGHTS), "variables": variables,
            "losses": ["loss:0"], "gradients": gradients, "arriving": gradients, "feeds": feeds,
            "steps": list(self.steps),
        }  # fmt: skip
        return {
            "format": 1, "tensorflow": "1.15.5", "numpy": "1.18.5", "python": "3.7.16", "threads": {"processors": 2},
            "cpu": "any", "script": {"path": "train.py", "kind": "script", "arguments": []}, "status": "ended",
            "failure": None, "notes": [], "downloads": {"served": [], "refused": []}, "programs": [program],
            "graphs": [{"nodes": [{"name": "x", "op": "Placeholder", "inputs": [], "attributes": {}, "where": None}]}],
        }  # fmt: skip

    def recording(self, folder: Path, rng) -> Recording:
        """With limits: how far float32 is from float64 when the images come in other orders, four times the worst."""
        recording = of_folder(self.raw(folder, rng))
        program = recording.programs[0]
        limits = {step: self._limits(one, rng) for step, one in program.trace.steps.items()}
        return recording._replace(programs=[program._replace(limits=limits)])

    def _limits(self, one, rng):
        start = one.arrays("start")
        pick = lambda role: {k.partition("/")[2]: a for k, a in start.items() if k.startswith(f"{role}/")}  # noqa: E731
        variables, batch, draws = {**pick("weights"), **pick("slots")}, pick("batch"), pick("draws")
        exact = self.loss(variables, batch, draws, np.float64)
        apart = {name: np.zeros(grad.shape) for name, grad in exact[2].items()}
        losses, logits = [0.0], np.zeros(exact[1].shape)
        for _ in range(6):
            order = rng.permutation(self.batch)
            turn = lambda named: {name: array[order] for name, array in named.items()}  # noqa: B023, E731
            near = self.loss(variables, turn(batch), turn(draws))
            losses.append(abs(float(near[0]) - exact[0]))
            logits = np.maximum(logits, np.abs(near[1] - exact[1][order]))
            apart = {name: np.maximum(apart[name], np.abs(near[2][name] - exact[2][name])) for name in apart}
        spreads = {"loss/loss": Spread(4 * max(losses), (), abs(exact[0]))}
        spreads["logits/logits"] = Spread(4 * float(logits.max()), (), 1.0)
        for name, error in apart.items():
            spreads[f"grads/{name}"] = Spread.of(4 * error, exact[2][name], 4 * float(np.linalg.norm(error)))
        return StepLimits(spreads)


def gradient_descent(w, g, slots, h, variables, nesterov):
    return w - h["alpha"] * g, {}


def momentum(w, g, slots, h, variables, nesterov):
    a = slots["accum"] * h["momentum"] + g
    return w - (g * h["lr"] + a * h["momentum"] * h["lr"] if nesterov else a * h["lr"]), {"accum": a}


def adam(w, g, slots, h, variables, nesterov):
    alpha = h["lr"] * np.sqrt(F(1) - variables["beta2_power"]) / (F(1) - variables["beta1_power"])
    m = slots["m"] + (g - slots["m"]) * (F(1) - h["beta1"])
    v = slots["v"] + (g * g - slots["v"]) * (F(1) - h["beta2"])
    return w - m * alpha / (np.sqrt(v) + h["epsilon"]), {"m": m, "v": v}


def rmsprop(w, g, slots, h, variables, nesterov):
    ms = slots["ms"] + (g * g - slots["ms"]) * (F(1) - h["rho"])
    mom = slots["mom"] * h["momentum"] + h["lr"] * g / np.sqrt(ms + h["epsilon"])
    return w - mom, {"ms": ms, "mom": mom}


def adagrad(w, g, slots, h, variables, nesterov):
    accum = slots["accum"] + g * g
    return w - h["lr"] * g / np.sqrt(accum), {"accum": accum}


def add_sign(w, g, slots, h, variables, nesterov):
    m = h["beta"] * slots["m"] + (F(1) - h["beta"]) * g
    return w - h["lr"] * (h["alpha"] + h["sign_decay"] * np.sign(g) * np.sign(m)) * g, {"m": m}


UPDATES = {
    "ApplyGradientDescent": gradient_descent,
    "ApplyMomentum": momentum,
    "ApplyAdam": adam,
    "ApplyRMSProp": rmsprop,
    "ApplyAdagrad": adagrad,
    "ApplyAddSign": add_sign,
}
