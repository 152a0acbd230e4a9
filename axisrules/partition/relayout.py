"""A live state from one layout to another."""

import jax

from axisrules.diagnostics import catalog
from axisrules.partition.mismatch import check_arrays
from axisrules.partition.state import TrainState


def move_state(state: TrainState, wanted: TrainState, *, donate: bool) -> TrainState:
    """`state` with every array laid out as in `wanted`, a tree of ShapeDtypeStructs with shardings.

    Raises AxisRulesError (AXR504), naming the arrays that are unlike the wanted ones, and moves nothing.
    """
    check_arrays(state, wanted, catalog.STATE_MISMATCH)
    shardings = jax.tree.map(lambda shape: shape.sharding, wanted)
    moved: TrainState = jax.device_put(state, shardings, donate=donate)
    return moved
