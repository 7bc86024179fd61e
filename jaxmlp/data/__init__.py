"""Where pixels come from. Every source yields `uint8` rows of 784, never widened on the host."""

from jaxmlp.data.dataset import Dataset, Split
from jaxmlp.data.source import load

__all__ = ["Dataset", "Split", "load"]
