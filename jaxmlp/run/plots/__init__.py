"""Pictures of a run as PNG, one a file. Needs matplotlib, which is imported where it draws."""

from jaxmlp.run.plots.album import Plots

__all__ = ["Plots"]
