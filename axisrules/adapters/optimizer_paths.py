"""Optimizer state named by path and shape: each array of it is traced back to its parameter.

The path tells which parameter; the shape tells how its dims come back: all of them (Adam's moments),
some of them (Adafactor's factors), one at a time (SM3's accumulators) or under new ones (L-BFGS's memory).
"""

import itertools
from collections.abc import Iterator
from typing import Any

import jax
import optax

from axisrules.adapters.program import AxesByPath, Shapes, path_of
from axisrules.axes import AxisNames

Shape = tuple[int, ...]
Param = tuple[Shape, Shape, AxisNames | None]


def match_state_paths(
    optimizer: optax.GradientTransformation, params: Shapes, param_axes: AxesByPath
) -> AxesByPath:
    """The logical axes of each array of `optimizer.init(params)`, by path.

    An array that belongs to no parameter, or whose dims cannot be told apart, gets None.
    """
    state = jax.eval_shape(optimizer.init, params)
    probe_params = jax.tree.map(_with_distinct_sizes, params)
    probes = _shapes_by_path(jax.eval_shape(optimizer.init, probe_params))
    probe_shapes = _shapes_by_path(probe_params)
    by_parts = {
        tuple(path.split("/")): (shape, probe_shapes[path], param_axes.get(path))
        for path, shape in _shapes_by_path(params).items()
    }
    return {
        path: _axes(shape, probes.get(path), list(_owners(path, by_parts)))
        for path, shape in _shapes_by_path(state).items()
    }


def _shapes_by_path(tree: Shapes) -> dict[str, Shape]:
    flat, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {path_of(keys): tuple(shape.shape) for keys, shape in flat}


def _with_distinct_sizes(shape: Any) -> jax.ShapeDtypeStruct:
    """The same array with no two dims of one size, their order by size unchanged.

    Factored optimizers pick dims by size, so that only ties may be broken, in index order as they do.
    """
    sizes = list(shape.shape)
    smallest = 0
    for dim in sorted(range(len(sizes)), key=lambda dim: sizes[dim]):
        smallest = sizes[dim] = max(sizes[dim], smallest + 1)
    return jax.ShapeDtypeStruct(tuple(sizes), shape.dtype)


def _owners(path: str, params: dict[tuple[str, ...], Param]) -> Iterator[Param]:
    """The parameters whose path stands whole inside `path`, longest first."""
    parts = path.split("/")
    for length in range(len(parts), 0, -1):
        for start in range(len(parts) - length, -1, -1):
            param = params.get(tuple(parts[start : start + length]))
            if param is not None:
                yield param


def _axes(shape: Shape, probe: Shape | None, owners: list[Param]) -> AxisNames | None:
    if not shape:
        return ()
    for param_shape, probe_param_shape, names in owners:
        if names is None or len(names) != len(param_shape):
            continue
        found = _readings(shape, param_shape, names)
        if len(found) > 1 and probe is not None and len(probe) == len(shape):
            # Dims of equal size: the same state of the same parameter with its sizes told apart.
            found = _readings(probe, probe_param_shape, names)
        if len(found) == 1:
            return found.pop()
    return None


def _readings(shape: Shape, param_shape: Shape, names: AxisNames) -> set[AxisNames]:
    """Every way in which `shape` can come from the parameter's dims."""
    if shape == param_shape:
        return {names}
    extra = len(shape) - len(param_shape)
    if extra > 0:
        return {(None,) * extra + names} if shape[extra:] == param_shape else set()
    if all(size == 1 for size in shape):
        return {(None,) * len(shape)}  # A placeholder where the optimizer keeps nothing.
    if extra == 0:
        dims = list(zip(shape, param_shape, names, strict=True))
        if all(size in (1, whole) for size, whole, _ in dims):
            return {tuple(name if size == whole else None for size, whole, name in dims)}
        return set()
    return {
        tuple(names[dim] for dim in kept)
        for kept in itertools.combinations(range(len(param_shape)), len(shape))
        if tuple(param_shape[dim] for dim in kept) == shape
    }
