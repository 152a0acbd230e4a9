"""Boundaries of a linen model: Flax's own interception, entered with every call of the bound module."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

import jax
from flax import linen as nn

from axisrules.adapters.boundary import Boundaries
from axisrules.adapters.program import Model
from axisrules.adapters.reading import Reading

NO_BOUNDARY = frozenset({"setup"})


def attach_linen(reading: Reading, boundaries: Boundaries) -> Reading:
    """The same model, bound so that the outputs of all its modules cross `boundaries`."""

    def bind(params: Any, rest: Any, key: jax.Array | None) -> Model:
        return Attached(reading.bind(params, rest, key), boundaries)

    def collect(model: Model) -> Any:
        return reading.collect(model.bound_module)

    return replace(reading, bind=bind, collect=collect)


class Attached:
    """A bound module as a loss sees it: the same methods, submodules and fields, seen through boundaries."""

    def __init__(self, module: nn.Module, boundaries: Boundaries) -> None:
        self.bound_module = module
        self._boundaries = boundaries

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the module gives."""
        return self._seen(self.bound_module)(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.bound_module, name)
        if isinstance(found, nn.Module):
            return Attached(found, self._boundaries)
        is_method = getattr(found, "__self__", None) is self.bound_module
        return self._seen(found) if is_method else found

    def _seen(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def seen(*args: Any, **kwargs: Any) -> Any:
            with nn.intercept_methods(self._intercept):
                return method(*args, **kwargs)

        return seen if isinstance(method, nn.Module) else wraps(method)(seen)

    def _intercept(
        self,
        method: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        context: nn.module.InterceptorContext,
    ) -> Any:
        module, name = context.module, context.method_name
        if name in NO_BOUNDARY or module.scope is None:
            return method(*args, **kwargs)
        path = "/".join(module.path)
        return self._boundaries.cross(path, name, lambda: method(*args, **kwargs))
