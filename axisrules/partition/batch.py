"""A batch from host memory onto the mesh."""

from typing import Any

import jax

from axisrules.diagnostics import catalog
from axisrules.partition.mismatch import check_arrays


def place_batch(batch: Any, wanted: Any, shardings: Any) -> Any:
    """`batch` as sharded arrays, each device given its own part only.

    `wanted` has the shapes that the program was read with. Raises AxisRulesError (AXR502), naming the
    arrays that are unlike them.
    """
    several = jax.process_count() > 1
    check_arrays(batch, wanted, catalog.BATCH_MISMATCH, own_rows=several)
    if several:
        return jax.tree.map(jax.make_array_from_process_local_data, shardings, batch)
    return jax.device_put(batch, shardings)
