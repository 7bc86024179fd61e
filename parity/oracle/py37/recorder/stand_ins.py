"""Modules that only show things, where they are not installed: matplotlib, IPython, tqdm. Their calls do nothing.

Only what is missing is replaced, and each replacement is told: nothing that trains can depend on it.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import types
from typing import Any, Callable, Iterator

import numpy as np

SHOWS = ("matplotlib", "mpl_toolkits", "pylab", "seaborn", "IPython", "ipywidgets", "tqdm")

Tell = Callable[[str], None]


class Nothing:
    """Whatever is asked of it."""

    def __init__(self, name: str = ""):
        self.name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Nothing(name)

    def __call__(self, *rest: Any, **named: Any) -> Any:
        return RESULTS.get(self.name, _nothing)(*rest, **named)

    def __getitem__(self, key: Any) -> Any:
        return Nothing()

    def __setitem__(self, key: Any, value: Any) -> None:
        """Forgotten."""

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: Any) -> None:
        """Passes what is raised."""

    def update(self, *rest: Any, **named: Any) -> Any:
        """Of a mapping, as `rcParams` is one."""
        return Nothing()


class Progress:
    """tqdm's bar: it hands on what it counts."""

    def __init__(self, iterable: Any = (), *rest: Any, **named: Any):
        self.iterable = iterable

    def __iter__(self) -> Iterator[Any]:
        return iter(self.iterable)

    def __len__(self) -> int:
        return len(self.iterable)

    def __getattr__(self, name: str) -> Any:
        return Nothing(name)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: Any) -> None:
        """Passes what is raised."""

    @staticmethod
    def write(text: str, *rest: Any, **named: Any) -> None:
        """Above the bar."""
        print(text)


def _nothing(*rest: Any, **named: Any) -> Nothing:
    return Nothing()


def _subplots(nrows: int = 1, ncols: int = 1, *rest: Any, squeeze: bool = True, **named: Any) -> Any:
    axes = np.empty((nrows, ncols), object)
    for index in np.ndindex(nrows, ncols):
        axes[index] = Nothing()
    if not squeeze:
        return Nothing(), axes
    return Nothing(), axes[0, 0] if axes.size == 1 else axes.squeeze()


def _plot(*rest: Any, **named: Any) -> Any:
    return [Nothing()]


def _hist(*rest: Any, **named: Any) -> Any:
    return np.zeros(1), np.zeros(2), Nothing()


def _trange(*rest: Any, **named: Any) -> Progress:
    return Progress(range(*rest))


RESULTS: dict[str, Callable[..., Any]] = {"subplots": _subplots, "plot": _plot, "hist": _hist}
RESULTS.update(tqdm=Progress, tqdm_notebook=Progress, trange=_trange, tnrange=_trange)


class Module(types.ModuleType):
    """A module of nothing, and a package of such modules."""

    def __init__(self, name: str):
        super().__init__(name)
        self.__path__, self.__all__ = [], []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Progress if name in ("tqdm", "tqdm_notebook") else Nothing(name)


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Asked last, when nothing else has found the module."""

    def __init__(self, tell: Tell):
        self.tell = tell

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """Of the modules that show things, and of what is in them."""
        if fullname.split(".")[0] not in SHOWS:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: Any) -> types.ModuleType:
        """Tells of the package, once."""
        if "." not in spec.name:
            self.tell("not installed, its calls do nothing: " + spec.name)
        return Module(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """There is nothing in it."""


def stand_in(tell: Tell) -> None:
    """From now on."""
    sys.meta_path.append(Finder(tell))
