"""Module boundaries of a model that names nothing: each output is known by its module's path and call.

A boundary's label is the `/`-joined path of the module, `.method` where it is not `__call__`, `#k` for the
k-th further call that one caller makes, and `:part` for an array inside a nested output:
`decoder/layers_0/attn`, `shared#1`, `encoder:1/0`. Calls are counted within the caller, so that what `nn.jit`
or a scan traces once, twice or not at all never shifts the labels of anything else.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

import jax
from flax import linen as nn
from flax import nnx
from jax.ad_checkpoint import checkpoint_name

from axisrules.adapters.activations import in_force_here
from axisrules.adapters.own_constraints import OwnConstraints
from axisrules.adapters.program import path_of
from axisrules.axes import AxisNames
from axisrules.diagnostics import Origin
from axisrules.infer import BOUNDARY_MARK

CALL = "__call__"
ROOT = "."

# Part of every trace-cache key: what was traced as a probe, or with other names, is traced again.
_traced_as = jax.make_user_context(None)
_calls: ContextVar[dict[str, int] | None] = ContextVar("axisrules_calls", default=None)


class Observer(Protocol):
    """What becomes of the arrays that cross a boundary."""

    @property
    def identity(self) -> Any:
        """What tells this observer's traces from any other's; hashable."""

    def observe(self, label: str, x: jax.Array) -> jax.Array:
        """The array to go on with in the place of `x`."""


@dataclass(eq=False)
class Marker:
    """Marks every array for inference to find, and notes the shapes."""

    shapes: dict[str, jax.ShapeDtypeStruct] = field(default_factory=dict)

    @property
    def identity(self) -> Any:
        """The marker itself: no trace outlives the probe that it was made for."""
        return self

    def observe(self, label: str, x: jax.Array) -> jax.Array:
        """`x`, named in the jaxpr."""
        self.shapes[label] = jax.ShapeDtypeStruct(x.shape, x.dtype)
        return checkpoint_name(x, BOUNDARY_MARK + label)


@dataclass(frozen=True)
class Constrainer:
    """Lays every array out by the names that were inferred for its label, under the plan in force."""

    names: tuple[tuple[str, AxisNames], ...]
    by_label: dict[str, AxisNames] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_label", dict(self.names))

    @property
    def identity(self) -> Any:
        """The names: two programs that name alike may share traces."""
        return self.names

    def observe(self, label: str, x: jax.Array) -> jax.Array:
        """`x`, laid out; as it is where nothing is known or the rank is another here, as under vmap."""
        names = self.by_label.get(label)
        if names is None or len(names) != x.ndim or not any(names):
            return x
        layout = in_force_here(origin := Origin(label))
        return x if layout is None else layout.constrain_array(x, names, origin)


@dataclass(frozen=True, eq=False)
class Boundaries:
    """The boundaries of one wrapped model, who observes them now, and what its own constraints do."""

    observer: Observer
    own: OwnConstraints

    def cross(self, path: str, method: str, call: Callable[[], Any]) -> Any:
        """What `call` gives, every array of it observed."""
        label = (path or ROOT) if method == CALL else f"{path}.{method}"
        callers = _calls.get()
        if callers is None:
            return self._outermost(label, call)
        count = callers[label] = callers.get(label, -1) + 1
        return self._crossed(f"{label}#{count}" if count else label, call)

    def _outermost(self, label: str, call: Callable[[], Any]) -> Any:
        """Whatever the outermost module jits belongs to this observer alone."""
        with _traced_as((self.observer.identity, self.own.choice)), self.own.seen():
            return self._crossed(label, call)

    def _crossed(self, label: str, call: Callable[[], Any]) -> Any:
        token = _calls.set({})
        try:
            output = call()
        finally:
            _calls.reset(token)
        return self._observed(label, output)

    def _observed(self, label: str, output: Any) -> Any:
        if _is_array(output):
            return self.observer.observe(label, output) if output.ndim else output
        flat, structure = jax.tree_util.tree_flatten_with_path(output, is_leaf=_is_opaque)
        if not any(_is_array(leaf) for _, leaf in flat):
            return output
        leaves = [
            self.observer.observe(f"{label}:{path_of(keys)}", leaf) if _is_array(leaf) and leaf.ndim else leaf
            for keys, leaf in flat
        ]
        return jax.tree_util.tree_unflatten(structure, leaves)


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jax.numpy.issubdtype(leaf.dtype, jax.numpy.number)


def _is_opaque(node: Any) -> bool:
    """Modules and variables are references: rebuilt from their leaves they would be others."""
    return isinstance(node, nn.Module | nnx.Module | nnx.Variable)
