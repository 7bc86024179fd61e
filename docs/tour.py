# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A tour of jaxmlp
#
# First the library: load images, train a program, save it, use it. Then one proof, of a smaller program, against
# TensorFlow, and a mutant that the proof kills. All of it takes less than a minute on two cores.
#
# What is needed, in a clone of the repository: `pip install -e '.[plot,parity]'`. The extra `plot` brings matplotlib,
# `parity` TensorFlow 2.x for the second half. Without TensorFlow the second half says so and does nothing.

# %%
import os
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import jaxmlp
from jaxmlp.device import pick
from jaxmlp.options import ImagesOptions
from jaxmlp.run.observers import Observer
from parity.commands import prove
from parity.commands.options import ProveOptions
from parity.mutants.hunt import Hunt, catalogue
from parity.noise import reference
from parity.oracle import environment, select
from parity.report.text import table

# %% [markdown]
# ## Images
#
# MNIST, where `$JAXMLP_DATA_DIR` names the folder with its four files; otherwise digits that `jaxmlp` draws itself. Six
# hundred training images are enough for a tour. An image is 784 bytes: 0 is blank, 255 is full ink.

# %%
IMAGES = 600
DATA = "mnist" if "JAXMLP_DATA_DIR" in os.environ else f"generated:{IMAGES}"
data = jaxmlp.load(DATA).first(IMAGES)
print(data.source)
print(data.train.images.shape, data.train.images.dtype, data.test.images.shape)

# %%
figure, axes = plt.subplots(2, 8, figsize=(9, 2.8))
for axis, image, label in zip(axes.flat, data.train.images, data.train.labels, strict=False):
    axis.imshow(image.reshape(28, 28), cmap="binary")
    axis.set(xticks=[], yticks=[], xlabel=data.class_names[label])

# %% [markdown]
# ## A program
#
# A `Program` says what is computed. Left alone it is the original TensorFlow 1.x program: 1024 hidden units, 301 steps.
# Here it has two hidden layers. It is plain data, and its digest is its identity.

# %%
program = jaxmlp.Program(layers=(jaxmlp.Dense(64), jaxmlp.Dense(32)), steps=201, report_every=20, seed=7)
print(program.as_dict())
print(program.digest()[:16], "…")

# %% [markdown]
# ## Training
#
# `fit` trains it. An observer watches: it is told of every step. At a report the test accuracy is measured too.


# %%
class Curve(Observer):
    """Remembers every step."""

    def __init__(self):
        self.reports = []

    def on_step(self, report):
        self.reports.append(report)


curve = Curve()
model = jaxmlp.fit(program, data, observers=[curve])
print(model.evaluate(data.test))

# %%
tested = [report for report in curve.reports if report.test_accuracy is not None]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
left.semilogy([report.loss for report in curve.reports])
left.set(xlabel="step", ylabel="loss")
right.plot([report.train_accuracy for report in curve.reports], label="training")
right.plot([report.step for report in tested], [report.test_accuracy for report in tested], "o", label="test")
right.set(xlabel="step", ylabel="accuracy (%)", ylim=(0, 100))
_ = right.legend()

# %% [markdown]
# ## Saving and loading
#
# A model is one safetensors file: the weights, and the program they belong to. `Model.load` also reads the folder that
# `python -m jaxmlp.train` leaves. What is loaded predicts the same bits.

# %%
with tempfile.TemporaryDirectory() as folder:
    model.save(Path(folder, "model.safetensors"))
    loaded = jaxmlp.Model.load(Path(folder, "model.safetensors"))

assert loaded.program == program
np.testing.assert_array_equal(loaded.probabilities(data.test.images), model.probabilities(data.test.images))

# %% [markdown]
# ## Where it errs
#
# A row is what an image is, a column what the model takes it for.

# %%
predicted = loaded.predict(data.test.images)
confusion = np.zeros((loaded.classes, loaded.classes), int)
np.add.at(confusion, (data.test.labels, predicted), 1)
print(confusion)
print(f"{100 * confusion.trace() / confusion.sum():.1f} % are right")

# %% [markdown]
# ## A proof
#
# Is it what TensorFlow computes? Here the program has one hidden layer of 64 units. `parity` asks TensorFlow and
# compares, tensor by tensor. Both sides draw their weights from the same seed. Then both take single steps from the
# same weights.
#
# This needs a live TensorFlow: 2.x (extra `parity`), or genuine 1.15.5 (`python -m parity setup`). The recordings in
# the repository cannot serve here. They are of other seeds and of 1024 units, and are refused for anything else.
#
# The free run is shown here and not asserted: the ensemble that says how far to assert it would take most of the time.

# %%
CAN_ASK = environment.is_set_up() or select.has_tensorflow()
if CAN_ASK:
    options = ProveOptions(
        seed=7,
        steps=(0, 2),
        hidden=64,
        images=ImagesOptions(DATA, images=IMAGES),
        layout=("staircase",),
        precision=("float32",),
    )
    started = time.perf_counter()
    proof = prove.run(options, print)
    print(table(proof._replace(seconds=time.perf_counter() - started)))
    assert proof.proven
else:
    print(f"no TensorFlow to ask: {select.INSTALL}")

# %% [markdown]
# Each row is the worst case of one tensor: what was measured, what is allowed, and how many times the one fits into
# the other. `docs/parity.md` says where the limits come from.
#
# ## A mutant
#
# Would the proof notice a mistake? A mutant is the port with one part replaced by a wrong one. This one adds the bias
# of the hidden layer behind the ReLU. The logits must give it away, in tier T1b, at least ten times over the limit.
# Before the first step biases are zero and the logits right; there the gradient tells.

# %%
if CAN_ASK:
    (mutant,) = (one for one in catalogue() if one.name == "b1 after the ReLU")
    small = jaxmlp.Program(layers=(jaxmlp.Dense(64),), seed=7, steps=3)
    answers = reference.live(select.live("auto", 0, 600), small, data, [0, 2])
    hunt = Hunt(small, data, pick("cpu"), answers)
    (finding,) = hunt.killed([mutant], jobs=1)
    print(f"{finding.name}: {'killed' if finding.held else 'SURVIVED'} at {finding.expected},")
    print(f"{finding.ratio:.3g} times over the limit; shows first at {finding.first}")
    assert finding.held
