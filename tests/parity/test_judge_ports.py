"""Ports as people write them: the right ones pass, the wrong ones are found at the right tier and tensor, and told."""

import subprocess
import sys

import ports
import pytest
from like_tensorflow import Like

import parity

ADAM, SGD = Like(), Like("ApplyGradientDescent", rate=0.5)
RMSPROP, MOMENTUM = Like("ApplyRMSProp"), Like("ApplyMomentum")
DROPOUT, L2 = Like(keep=ports.KEEP), Like("ApplyMomentum", l2=ports.L2)

RIGHT = {
    "JAX, TensorFlow's Adam": (ADAM, ports.in_jax(ports.mean_loss, ports.tensorflows_adam)),
    "JAX, dropout": (DROPOUT, ports.in_jax(ports.mean_loss, ports.tensorflows_adam)),
    "optax's RMSProp from TensorFlow's slots": (RMSPROP, ports.in_jax(ports.mean_loss, ports.optaxs_rmsprop)),
    "optax's momentum, L2": (L2, ports.in_jax(ports.l2_on_kernels, ports.optaxs_momentum)),
    "optax's Nesterov": (Like("ApplyMomentum", nesterov=True), ports.in_jax(ports.mean_loss, ports.nesterov)),
    "PyTorch, TensorFlow's Adam": (ADAM, ports.in_torch),
    "NumPy by hand": (SGD, ports.in_numpy),
}
WRONG = {  # (program, port, where it is found, what it is told to be)
    "optax's Adam": (
        ADAM,
        ports.in_jax(ports.mean_loss, ports.optaxs_adam),
        "T3 dense/kernel, step 0",
        "epsilon stands beside the bias-corrected root, as optax and PyTorch have it",
    ),
    "PyTorch's Adam": (
        ADAM,
        ports.in_torch_with_its_own_adam,
        "T3 dense/kernel, step 0",
        "epsilon stands beside the bias-corrected root, as optax and PyTorch have it",
    ),
    "optax's RMSProp from its own slots": (
        RMSPROP,
        ports.in_jax(ports.mean_loss, ports.fresh_rmsprop),
        "T3 dense/kernel, step 0",
        "the slots start at 0, and are not those that are given",
    ),
    "a forgotten 1/N": (
        ADAM,
        ports.in_jax(ports.sum_loss, ports.tensorflows_adam),
        "T1 loss, step 0",
        "a sum over the batch stands for TensorFlow's mean: 1/N is forgotten, N = 32",
    ),
    "dropout that is not scaled": (
        DROPOUT,
        ports.in_jax(ports.unscaled_loss, ports.tensorflows_adam),
        "T1 loss, step 0",
        "dropout is not scaled by 1 / keep_prob",
    ),
    "weight decay on biases": (
        L2,
        ports.in_jax(ports.l2_on_everything, ports.optaxs_momentum),
        "T1 loss, step 0",
        "of a bias, which TensorFlow's graph does not penalise",
    ),
    "Nesterov": (
        MOMENTUM,
        ports.in_jax(ports.mean_loss, ports.nesterov),
        "T3 dense/kernel, step 0",
        "the step is Nesterov's, and TensorFlow's is not",
    ),
    "a kernel reshaped": (SGD, ports.in_numpy_transposed_by_mistake, "T1 loss, step 0", "usually: "),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_port_passes(name, tmp_path, rng):
    like, step = RIGHT[name]
    proof = parity.prove(like.recording(tmp_path, rng), step).raise_if_different()
    assert proof.proven, proof.verdict


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_port_is_found_out_and_told(name, tmp_path, rng):
    like, step, place, hint = WRONG[name]
    proof = parity.prove(like.recording(tmp_path, rng), step)
    assert proof.first, proof.verdict
    assert proof.first.place == place
    assert any(hint in one for one in proof.hints), proof.hints
    assert not proof.proven


def test_a_port_needs_numpy_and_no_line_of_jax(tmp_path, rng):
    from parity.compare.recorded import file

    (tmp_path / file.NAME).write_bytes(file.to_bytes(SGD.recording(tmp_path / "raw", rng)))
    code = (
        f"import sys, parity; recording = parity.load({str(tmp_path)!r})\n"
        "print(parity.prove(recording, lambda **given: {'weights': given['weights']}).verdict)\n"
        "assert not {'jax', 'jaxmlp', 'tensorflow', 'torch'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("DIFFERENT: first at T3 dense/kernel, step 0")
