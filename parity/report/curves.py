"""Two loss curves: as a picture, where matplotlib is there, and as JSON."""

import io
import json

import numpy as np

from parity.noise.training import Trained
from parity.report.plain import plain


def png(trained: Trained, title: str) -> bytes | None:
    """None without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return None
    figure = Figure(figsize=(8, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    above.set_title(title)
    above.plot(trained.steps, trained.theirs, label="TensorFlow 1.15", linewidth=3, alpha=0.5)
    above.plot(trained.steps, trained.ours, label="JAX, from the same start", linewidth=1)
    above.set_ylabel("training loss")
    above.legend()
    below.semilogy(trained.steps, np.maximum(trained.apart, 1e-9), label="apart, relative")
    below.semilogy(trained.steps, trained.limits, label="the ensemble's noise")
    below.set_xlabel("training run")
    below.legend()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()


def to_json(trained: Trained) -> str:
    """Both curves, and how far they may be apart."""
    told = {"verdict": trained.verdict, "agreed": trained.agreed, "steps": trained.steps}
    series = ("theirs", "ours", "apart", "spread", "limits")
    told |= {name: getattr(trained, name).tolist() for name in series}
    return json.dumps(plain(told), indent=1) + "\n"
