"""tf.keras's way to run a graph: fetches, feeds, and tensors in place of placeholders, all by name and once for all."""

from __future__ import annotations

from typing import Any

import numpy as np
from tensorflow.core.protobuf import config_pb2
from tensorflow.python.client import session as sessions

from .recorder import Recorder, Run

real_run, real_from_options = sessions.BaseSession.run, sessions.BaseSession._make_callable_from_options


class ByOptions:
    """Takes the place of what `BaseSession._make_callable_from_options` returns."""

    def __init__(self, recorder: Recorder, session: Any, options: Any):
        self.recorder, self.session, self.options = recorder, session, options
        self.call, graph = real_from_options(session, options), session.graph
        self.connected = {one.to_tensor: graph.as_graph_element(one.from_tensor) for one in options.tensor_connection}
        fetched = [graph.as_graph_element(name) for name in options.fetch]
        targets = [graph.get_operation_by_name(name) for name in options.target]
        self.elements = [*fetched, *targets, *self.connected.values()]
        self.made: dict[Any, Any] = {}

    def __call__(self, *values: Any, **named: Any) -> Any:
        """The values of what is fetched."""
        shown: dict[str, Any] = {}  # what stood in for the placeholders
        own = len(self.options.fetch)

        def extended(tensors: list[Any]) -> Any:
            got = self._asking([*tensors, *self.connected.values()], True)(*values, **named)
            shown.update(zip(self.connected, got[own + len(tensors) :]))
            return got[:own], got[own : own + len(tensors)]

        return self.recorder.around(
            Run(
                self.session,
                type(self.session).__name__ + ".callable",
                self.elements,
                frozenset([*self.options.feed, *self.connected]),
                lambda: self.call(*values, **named),
                extended,
                lambda tensors: self._asking(tensors, False)(*values),
                lambda: {**{name: np.array(one) for name, one in zip(self.options.feed, values)}, **shown},
                self._found,
                lambda tensors: real_run(self.session, tensors),
            )
        )

    def _found(self, out: Any, name: str) -> Any:
        fetched = list(self.options.fetch)
        return out[fetched.index(name)] if name in fetched else None

    def _asking(self, tensors: list[Any], whole: bool) -> Any:
        """A callable for these tensors; `whole`: along with what the script asks for, else alone."""
        key = whole, tuple(tensor.name for tensor in tensors)
        if key not in self.made:
            changed = config_pb2.CallableOptions()
            changed.CopyFrom(self.options)
            if not whole:
                del changed.fetch[:], changed.target[:]
            changed.fetch.extend(tensor.name for tensor in tensors)
            self.made[key] = real_from_options(self.session, changed)
        return self.made[key]
