"""What a traced step takes: which of its flat arguments are weights, rows of a batch or random keys."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp

from axisrules.adapters import Program, path_of
from axisrules.rules import STAGED_AXES

BATCH = "batch"

Role = Literal["staged", "param", "rest", "key", "rows", "shared"]


@dataclass(frozen=True)
class Inputs:
    """The leaves of (params, rest, key, batch): the path, the role and the shape of each.

    `row_dims` has the dim of the batch's rows for every leaf of role "rows". Leaves of role "staged" are
    the parameters that have a dim of layers, `layer_dims` says which.
    """

    paths: tuple[str, ...]
    roles: tuple[Role, ...]
    shapes: tuple[jax.ShapeDtypeStruct, ...]
    row_dims: dict[int, int]
    layer_dims: dict[int, int]
    tree: Any

    def of(self, *roles: Role) -> tuple[int, ...]:
        """The places of the leaves of these roles."""
        return tuple(at for at, role in enumerate(self.roles) if role in roles)

    @property
    def rows(self) -> int:
        """How many rows the batch has."""
        return next((int(self.shapes[at].shape[dim]) for at, dim in self.row_dims.items()), 1)

    def of_arrays(self, flat: Sequence[Any]) -> "Inputs":
        """The same for arrays of other shapes: a part of the batch has fewer rows."""
        return replace(self, shapes=tuple(jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in flat))

    def with_rows(self, rows: int) -> Any:
        """The shapes of (params, rest, key, batch) for a batch of that many rows."""
        return jax.tree.unflatten(self.tree, self.flat_with_rows(rows))

    def flat_with_rows(self, rows: int) -> list[Any]:
        """The same as a list of leaves."""
        return [
            _resized(shape, self.row_dims[at], rows) if at in self.row_dims else shape
            for at, shape in enumerate(self.shapes)
        ]


def read_inputs(program: Program, *, has_key: bool = True) -> Inputs:
    """The inputs of a step of `program`, told apart by its logical axes; evaluation has no key."""
    key = jax.eval_shape(jax.random.key, 0) if has_key else None
    arguments = (program.params, program.rest, key, program.batch)
    flat, tree = jax.tree_util.tree_flatten_with_path(arguments)
    paths, roles, row_dims, layer_dims = [], [], {}, {}
    for at, (keys, shape) in enumerate(flat):
        path = path_of(keys[1:])
        role, names = _role(program, keys[0].idx, path, shape)
        if role == "rows":
            row_dims[at] = names.index(BATCH)
        if role == "staged":
            layer_dims[at] = next(dim for dim, name in enumerate(names) if name in STAGED_AXES)
        paths.append(path)
        roles.append(role)
    shapes = tuple(shape for _, shape in flat)
    return Inputs(tuple(paths), tuple(roles), shapes, row_dims, layer_dims, tree)


def is_key(shape: Any) -> bool:
    """Whether an array holds random keys."""
    return bool(jnp.issubdtype(shape.dtype, jax.dtypes.prng_key))


def _role(program: Program, argument: int, path: str, shape: Any) -> tuple[Role, Sequence[str | None]]:
    if argument == 0:
        names = program.param_axes.get(path) or ()
        return ("staged" if any(name in STAGED_AXES for name in names) else "param"), names
    if is_key(shape):
        return "key", ()
    if argument == 1:
        return "rest", ()
    names = program.batch_axes.get(path) or ()
    return ("rows" if BATCH in names else "shared"), names


def _resized(shape: Any, dim: int, rows: int) -> jax.ShapeDtypeStruct:
    sizes = (*shape.shape[:dim], rows, *shape.shape[dim + 1 :])
    return jax.ShapeDtypeStruct(sizes, shape.dtype)
