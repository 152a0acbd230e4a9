"""nnx modules that name themselves in the traced program, as linen modules do."""

from functools import lru_cache, wraps
from typing import Any

import jax
from flax import nnx


def name_modules(module: nnx.Module) -> None:
    """Let the modules inside `module` run under name scopes of where they stand: `mlp`, `blocks/0`.

    Each gets a subclass of its class that is the same but for its call: the class travels with a
    module through nnx's transformations, where the object itself does not. A module that is held in
    two places has the name of one.
    """
    places = {path: inner for path, inner in nnx.iter_modules(module) if path and callable(inner)}
    for path, inner in places.items():
        # Lists and dicts between two modules do not run, and are part of the inner one's name.
        holders = [end for end in range(1, len(path)) if path[:end] in places]
        own = path[max(holders, default=0) :]
        object.__setattr__(inner, "__class__", _named(type(inner), "/".join(map(str, own))))


@lru_cache(maxsize=1024)
def _named(kind: Any, name: str) -> Any:
    """A subclass of `kind` whose call runs under `name`; the same one each time, as nnx compares classes."""
    call = kind.__call__

    @wraps(call)
    def named_call(self: Any, *args: Any, **kwargs: Any) -> Any:
        with jax.named_scope(name):
            return call(self, *args, **kwargs)

    body = {"__call__": named_call, "__module__": kind.__module__, "__qualname__": kind.__qualname__}
    return type(kind)(kind.__name__, (kind,), body | {"__doc__": kind.__doc__})
