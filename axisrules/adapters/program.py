"""A program: a model, its loss, its optimizer and its batch, as shapes with logical axes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import jax
import optax

from axisrules.axes import AxisNames
from axisrules.resolve import Leaf
from axisrules.rules import Kind

# A model as a loss function sees it: a bound linen module or an nnx module, called alike.
Model = Any
Loss = Callable[[Model, Any], Any]
Shapes = Any  # a pytree of jax.ShapeDtypeStruct
AxesByPath = dict[str, AxisNames | None]

# The number of a layer: a whole part of a path (`layers/3`) or the end of one (`layers_3`, `blocks.3`).
_NUMBER = re.compile(r"(?:(?<=/)|(?<=_)|(?<=\.)|^)\d+(?=/|$)")


@dataclass(frozen=True, eq=False)
class Program:
    """Everything that decides a layout, and the pure functions that run it; holds no array.

    `params` and `rest` are nested dicts. `rest` has all that a step carries along but does not
    differentiate: batch statistics, caches, random streams.
    """

    api: Literal["linen", "nnx", "function"]
    params: Shapes
    rest: Shapes
    batch: Shapes
    param_axes: AxesByPath
    rest_axes: AxesByPath
    batch_axes: AxesByPath
    rest_kinds: dict[str, Kind]
    activations: tuple[Leaf, ...]
    loss: Loss
    has_metrics: bool
    # (key) -> (params, rest): traced once inside jit, so that every array is born sharded.
    init: Callable[[jax.Array], tuple[Any, Any]]
    # (params, rest, key or None) -> a model to call; the key feeds dropout and the like.
    bind: Callable[[Any, Any, jax.Array | None], Model]
    # (model) -> rest, as it is after the model has been called.
    collect: Callable[[Model], Any]
    optimizer: optax.GradientTransformation | None = None
    opt_state: Shapes = None
    opt_axes: AxesByPath | None = None

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """Every array of the program, by kind and path."""
        return (
            *_leaves(self.params, self.param_axes, "params"),
            *_leaves(self.params, self.param_axes, "gradients"),
            *_leaves(self.opt_state, self.opt_axes or {}, "optimizer"),
            *(
                leaf
                for kind in dict.fromkeys(self.rest_kinds.values())
                for leaf in _leaves(self.rest, self.rest_axes, kind)
                if self.rest_kinds[leaf.path] == kind
            ),
            *_leaves(self.batch, self.batch_axes, "batch"),
            *self.activations,
        )


def path_of(keys: tuple[Any, ...]) -> str:
    """A jax key path as a `/`-joined string: `decoder/layers/0/kernel`."""
    return jax.tree_util.keystr(keys, simple=True, separator="/")


def leaves_by_path(tree: Any) -> list[tuple[str, Any]]:
    """Every leaf with its path, in JAX's order."""
    return [(path_of(keys), leaf) for keys, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]]


def layers_as_glob(path: str) -> str:
    """`path` with `*` for the numbers of its layers: `layers/*/kernel`."""
    return _NUMBER.sub("*", path)


def leaf_of(path: str, kind: Kind, shape: Any, axes: AxisNames | None) -> Leaf:
    """A Leaf from a jax.ShapeDtypeStruct."""
    return Leaf(path, kind, tuple(shape.shape), str(shape.dtype), shape.dtype.itemsize, axes)


def _leaves(tree: Shapes, axes: AxesByPath, kind: Kind) -> list[Leaf]:
    flat, _ = jax.tree_util.tree_flatten_with_path(tree)
    return [leaf_of(path := path_of(keys), kind, shape, axes.get(path)) for keys, shape in flat]
