"""A batch as shapes, with the logical axes of each array."""

from typing import Any

import jax
import numpy as np

from axisrules.adapters.program import AxesByPath, Shapes, path_of
from axisrules.adapters.tree import check_tree
from axisrules.axes import AxisNames, LogicalAxis, parse_axis_names
from axisrules.diagnostics import AxisRulesError, Diagnostic, catalog, raise_errors

BATCH = LogicalAxis("batch")


def read_batch(batch: Any, batch_axes: Any) -> tuple[Shapes, AxesByPath]:
    """The shapes of `batch` and the axes of each array by path; by default only dim 0 is named, "batch".

    Raises AxisRulesError: AXR502 for leaves that are no arrays and for axes of another structure,
    AXR306 for a name that is none, AXR308 for a tree that is too deep or holds itself.
    """
    check_tree(batch, "the batch")
    flat, structure = jax.tree_util.tree_flatten_with_path(batch)
    paths = [path_of(keys) for keys, _ in flat]
    leaves = [leaf for _, leaf in flat]
    findings = [
        _not_an_array(path, leaf) for path, leaf in zip(paths, leaves, strict=True) if not _is_array(leaf)
    ]
    raise_errors(findings)
    shapes = jax.tree_util.tree_unflatten(structure, [_shape_in_jit(leaf) for leaf in leaves])
    if batch_axes is None:
        return shapes, {path: _default(leaf) for path, leaf in zip(paths, leaves, strict=True)}
    given = _like_batch(batch_axes, structure)
    axes = {path: _parsed(path, names, findings) for path, names in zip(paths, given, strict=True)}
    raise_errors(findings)
    return shapes, axes


def _is_array(leaf: Any) -> bool:
    if isinstance(leaf, np.ndarray | np.generic):
        return bool(leaf.dtype == np.bool_ or jax.numpy.issubdtype(leaf.dtype, np.number))
    return isinstance(leaf, jax.Array | jax.ShapeDtypeStruct)


def _shape_in_jit(leaf: Any) -> jax.ShapeDtypeStruct:
    """int64 and float64 are narrowed as jit will narrow them."""
    dtype = jax.dtypes.canonicalize_dtype(leaf.dtype, allow_extended_dtype=True)
    return jax.ShapeDtypeStruct(leaf.shape, dtype)


def _not_an_array(path: str, leaf: Any) -> Diagnostic:
    kind = f"an array of {leaf.dtype}" if isinstance(leaf, np.ndarray | np.generic) else type(leaf).__name__
    why = f"the leaf is {kind}, not an array of numbers"
    fix = "give arrays or jax.ShapeDtypeStructs; keep constants in the loss function"
    return catalog.BATCH_MISMATCH.at(subject=f"batch:{path}", why=why, fix=fix)


def _default(leaf: Any) -> AxisNames:
    return (BATCH, *[None] * (len(leaf.shape) - 1)) if leaf.shape else ()


def _like_batch(batch_axes: Any, structure: Any) -> list[Any]:
    try:
        return list(structure.flatten_up_to(batch_axes))
    except (TypeError, ValueError) as error:
        why = f"batch_axes has not the structure of the batch: {error}"
        fix = 'give one string per array, in the same tree: {"inputs": "batch seq"}'
        raise AxisRulesError([catalog.BATCH_MISMATCH.at(subject="batch_axes", why=why, fix=fix)]) from None


def _parsed(path: str, names: Any, findings: list[Diagnostic]) -> AxisNames | None:
    try:
        return None if names is None else parse_axis_names(names)
    except (TypeError, ValueError) as error:
        findings.append(catalog.BAD_ANNOTATION.at(subject=f"batch:{path}", why=str(error)))
        return None
