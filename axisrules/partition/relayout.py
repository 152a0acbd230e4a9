"""A live state from one layout to another."""

from typing import Any

import jax

from axisrules.adapters import path_of
from axisrules.diagnostics import AxisRulesError, Diagnostic, catalog
from axisrules.partition.state import TrainState


def move_state(state: TrainState, wanted: TrainState, *, donate: bool) -> TrainState:
    """`state` with every array laid out as in `wanted`, a tree of ShapeDtypeStructs with shardings.

    Raises AxisRulesError (AXR504), naming the arrays that are unlike the wanted ones, and moves nothing.
    """
    found = _differences(state, wanted)
    if found:
        raise AxisRulesError(found)
    shardings = jax.tree.map(lambda shape: shape.sharding, wanted)
    return jax.device_put(state, shardings, donate=donate)


def _differences(state: TrainState, wanted: TrainState) -> list[Diagnostic]:
    arrays, structure = jax.tree_util.tree_flatten_with_path(wanted)
    if jax.tree.structure(state) != structure:
        have, want = _paths(state), _paths(wanted)
        odd = sorted(have ^ want)[:3]
        why = f"{len(have - want)} arrays too many, {len(want - have)} missing, such as {', '.join(odd)}"
        return [catalog.STATE_MISMATCH.at(why=why if odd else "its containers are of other types")]
    found = []
    for (keys, shape), array in zip(arrays, jax.tree.leaves(state), strict=True):
        if (array.shape, array.dtype) != (shape.shape, shape.dtype):
            why = f"{array.dtype}{list(array.shape)} came, the plan has {shape.dtype}{list(shape.shape)}"
            found.append(catalog.STATE_MISMATCH.at(subject=path_of(keys), why=why))
    return found


def _paths(tree: Any) -> set[str]:
    return {path_of(keys) for keys, _ in jax.tree_util.tree_flatten_with_path(tree)[0]}
