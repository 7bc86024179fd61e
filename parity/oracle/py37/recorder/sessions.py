"""Hooks where every session ends: BaseSession's run, its callables, and its close.

Session, InteractiveSession, the monitored sessions and Estimators end in `run`, tf.keras in
`_make_callable_from_options`.
"""

from __future__ import annotations

from typing import Any, Iterator

import numpy as np
import tensorflow as tf
from tensorflow.python.client import session as sessions
from tensorflow.python.ops import session_ops
from tensorflow.python.util import nest

from .by_options import ByOptions
from .recorder import Recorder, Run

Base = sessions.BaseSession
real_run, real_close, real_make_callable = Base.run, Base.close, Base.make_callable
real_partial_run = Base.partial_run


class Place:
    """Takes the place of a tensor's value, to see where in a run's result it goes."""


def hook(recorder: Recorder) -> None:
    """From now on every session tells the recorder."""

    def run(self: Any, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        def plain() -> Any:
            return real_run(self, fetches, feed_dict, options, run_metadata)

        try:
            mapper, elements, fed = _asked(self, fetches, feed_dict)
        except (TypeError, ValueError, KeyError, RuntimeError, AttributeError):
            return plain()  # TensorFlow says itself what is wrong
        return recorder.around(_run(self, mapper, elements, fed, plain, fetches, feed_dict, options, run_metadata))

    def make_callable(self: Any, fetches: Any, feed_list: Any = None, accept_options: bool = False) -> Any:
        call = real_make_callable(self, fetches, feed_list, accept_options)
        if feed_list is not None:
            return call  # ends in `run`
        mapper, elements, fed = _asked(self, fetches, None)

        def called(*rest: Any, **named: Any) -> Any:
            def plain() -> Any:
                return call(*rest, **named)

            given = named.get("options"), named.get("run_metadata")
            return recorder.around(_run(self, mapper, elements, fed, plain, fetches, None, *given))

        return called

    def partial_run(self: Any, *rest: Any, **named: Any) -> Any:
        recorder.tell("Session.partial_run is not recorded")
        return real_partial_run(self, *rest, **named)

    def close(self: Any) -> Any:
        recorder.closing(self)
        return real_close(self)

    Base.run, Base.make_callable, Base.close = run, make_callable, close
    Base.partial_run = partial_run
    setattr(Base, "_make_callable_from_options", lambda self, options: ByOptions(recorder, self, options))  # noqa: B010


def _asked(session: Any, fetches: Any, feed_dict: Any) -> tuple[Any, list[Any], Any]:
    """How TensorFlow maps the fetches, the elements of the graph that they are, and the names of the fed tensors."""
    with session.graph.as_default():  # as TensorFlow does: a thread begins with a default graph of its own
        mapper = sessions._FetchMapper.for_fetch(fetches)
        elements = [session.graph.as_graph_element(one) for one in mapper.unique_fetches()]
    return mapper, elements, frozenset(tensor.name for tensor, _ in _feeds(session.graph, feed_dict))


def _feeds(graph: tf.Graph, feed_dict: Any) -> Iterator[tuple[Any, Any]]:
    """Tensors and what is fed to them, as `BaseSession._run` takes a dict apart."""
    flat: Any = nest.flatten_dict_items(feed_dict or {})
    for feed, value in flat.items():
        take_apart = next(expand for kind, _, expand, _ in sessions._REGISTERED_EXPANSIONS if isinstance(feed, kind))
        for part, one in take_apart(feed, value):
            yield graph.as_graph_element(part, allow_operation=False), one


def _run(
    session: Any, mapper: Any, elements: list[Any], fed: Any, plain: Any, fetches: Any, feed_dict: Any, *given: Any
) -> Run:
    names = [one.name for one in elements]

    def feeds() -> dict[str, np.ndarray]:
        return {tensor.name: _array(value, tensor) for tensor, value in _feeds(session.graph, feed_dict)}

    def found(out: Any, name: str) -> Any:
        return _at(mapper, names, out, name) if name in names else None

    return Run(
        session,
        type(session).__name__ + ".run",
        elements,
        fed,
        plain,
        lambda tensors: real_run(session, [fetches, tensors], feed_dict, *given),
        lambda tensors: real_run(session, tensors, feed_dict),
        feeds,
        found,
        lambda tensors: real_run(session, tensors),
    )


def _array(value: Any, tensor: Any) -> np.ndarray:
    if isinstance(value, session_ops.TensorHandle):
        return value.to_numpy_array()
    return np.array(value, dtype=tensor.dtype.as_numpy_dtype)


def _at(mapper: Any, names: list[str], out: Any, name: str) -> Any:
    """The value of the tensor of this name within a run's result."""
    places = [Place() for _ in names]
    return _beside(mapper.build_results(places), out, places[names.index(name)])


def _beside(pattern: Any, out: Any, place: Place) -> Any:
    if pattern is place:
        return out
    keys = pattern if isinstance(pattern, dict) else range(len(pattern)) if isinstance(pattern, (list, tuple)) else ()
    found = (_beside(pattern[key], out[key], place) for key in keys)
    return next((one for one in found if one is not None), None)
