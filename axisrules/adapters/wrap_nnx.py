"""Boundaries of an nnx model: every module instance gets a class of its own that knows its path."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any

import jax
from flax import nnx

from axisrules.adapters.boundary import CALL, Boundaries
from axisrules.adapters.program import Model
from axisrules.adapters.reading import Reading


def attach_nnx(reading: Reading, boundaries: Boundaries) -> Reading:
    """The same model, bound so that the outputs of all its modules cross `boundaries`."""
    classes = _Classes(boundaries)

    def bind(params: Any, rest: Any, key: jax.Array | None) -> Model:
        model = reading.bind(params, rest, key)
        for parts, module in list(nnx.iter_modules(model)):  # one held under several paths comes once
            module.__class__ = classes.at("/".join(map(str, parts)), type(module))
        return model

    return replace(reading, bind=bind)


@dataclass(eq=False)
class _Classes:
    """One class for each class and path, the same each time, so that Flax's own caches hold."""

    boundaries: Boundaries
    made: dict[tuple[str, type], type] = field(default_factory=dict)

    def at(self, path: str, base: type) -> type:
        """`base`, its outputs crossing the boundaries under `path`; split and merge keep it."""
        if (path, base) not in self.made:
            body = {name: self._crossing(path, name, method) for name, method in _own_methods(base).items()}
            names = {name: getattr(base, name) for name in ("__module__", "__qualname__", "__doc__")}
            is_pytree = getattr(base, "_pytree__is_pytree", True)
            made = type(base)(base.__name__, (base,), names | body, pytree=is_pytree)
            self.made[path, base] = made
        return self.made[path, base]

    def _crossing(self, path: str, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        boundaries = self.boundaries

        @wraps(method)
        def crossing(self: nnx.Module, *args: Any, **kwargs: Any) -> Any:
            return boundaries.cross(path, name, lambda: method(self, *args, **kwargs))

        return crossing


def _own_methods(base: type) -> dict[str, Callable[..., Any]]:
    """`__call__` and the public methods that the model's author wrote; not what nnx gives every module."""
    given = set(dir(nnx.Module))
    return {
        name: method
        for name, method in inspect.getmembers(base, inspect.isfunction)
        if (name == CALL or not (name.startswith("_") or name in given))
        and inspect.isfunction(inspect.getattr_static(base, name))
    }
