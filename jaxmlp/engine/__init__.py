"""A loss's sum and gradient over a batch of images: the same numbers from every engine, at different cost."""

from jaxmlp.engine.base import Engine, LossFn, RowFn
from jaxmlp.engine.dense import Dense
from jaxmlp.engine.screening import Screening
from jaxmlp.engine.select import evaluation, select, settle
from jaxmlp.engine.staircase import Staircase

__all__ = ["Dense", "Engine", "LossFn", "RowFn", "Screening", "Staircase", "evaluation", "select", "settle"]
