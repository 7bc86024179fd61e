"""Mean loss, correct count and gradient over a batch: the same numbers from every engine, at different cost."""

from jaxmlp.engine.dense import Dense
from jaxmlp.engine.select import Engine, select
from jaxmlp.engine.staircase import Staircase

__all__ = ["Dense", "Engine", "Staircase", "select"]
