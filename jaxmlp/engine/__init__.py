"""Mean loss, correct count and gradient over a batch: the same numbers from every engine, at different cost."""

from jaxmlp.engine.dense import Dense
from jaxmlp.engine.select import Engine, select

__all__ = ["Dense", "Engine", "select"]
