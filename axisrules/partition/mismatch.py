"""Arrays held against what a plan was made for, before JAX meets them."""

from typing import Any

import jax
import numpy as np

from axisrules.adapters import path_of
from axisrules.diagnostics import AxisRulesError, Code, Diagnostic


def check_arrays(tree: Any, wanted: Any, code: Code, *, own_rows: bool = False) -> None:
    """Raise AxisRulesError with a finding of `code` for each array of `tree` unlike the one in `wanted`.

    `wanted` holds ShapeDtypeStructs. With `own_rows` the first dim is the caller's own: one process of
    several gives its part of a batch.
    """
    found = list(_differences(tree, wanted, code, slice(int(own_rows), None)))
    if found:
        raise AxisRulesError(found)


def _differences(tree: Any, wanted: Any, code: Code, dims: slice) -> list[Diagnostic]:
    have: Any = jax.tree.structure(tree)
    want: Any = jax.tree.structure(wanted)
    if have != want:
        odd = sorted(_paths(tree) ^ _paths(wanted))[:3]
        words = f"such as {', '.join(odd)}" if odd else f"{have} in the place of {want}"
        return [code.at(why=f"{have.num_leaves} arrays came for {want.num_leaves}, {words}")]
    leaves, _ = jax.tree_util.tree_flatten_with_path(wanted)
    return [
        code.at(subject=path_of(keys), why=f"{_words(array)} came, the plan has {_words(shape)}")
        for (keys, shape), array in zip(leaves, jax.tree.leaves(tree), strict=True)
        if np.shape(array)[dims] != shape.shape[dims] or _dtype(array) != shape.dtype
    ]


def _paths(tree: Any) -> set[str]:
    return {path_of(keys) for keys, _ in jax.tree_util.tree_flatten_with_path(tree)[0]}


def _dtype(array: Any) -> Any:
    """int64 and float64 from NumPy are narrowed as jit will narrow them."""
    dtype = getattr(array, "dtype", None) or np.result_type(array)
    return jax.dtypes.canonicalize_dtype(dtype, allow_extended_dtype=True)


def _words(array: Any) -> str:
    return f"{_dtype(array)}{list(np.shape(array))}"
