"""A batch from host memory onto the mesh."""

from typing import Any

import jax
import numpy as np

from axisrules.adapters import Program, path_of
from axisrules.diagnostics import AxisRulesError, Diagnostic, catalog


def place_batch(batch: Any, program: Program, shardings: Any) -> Any:
    """`batch` as sharded arrays, each device given its own part only.

    Raises AxisRulesError (AXR502), naming the arrays that are unlike the program's.
    """
    found = _differences(batch, program)
    if found:
        raise AxisRulesError(found)
    if jax.process_count() == 1:
        return jax.device_put(batch, shardings)
    return jax.tree.map(jax.make_array_from_process_local_data, shardings, batch)


def _differences(batch: Any, program: Program) -> list[Diagnostic]:
    wanted, structure = jax.tree_util.tree_flatten_with_path(program.batch)
    if jax.tree.structure(batch) != structure:
        why = f"the batch is {jax.tree.structure(batch)}, and the program was read with {structure}"
        return [catalog.BATCH_MISMATCH.at(why=why)]
    found = []
    for (keys, shape), array in zip(wanted, jax.tree.leaves(batch), strict=True):
        rows = shape.shape[:1] if jax.process_count() == 1 else np.shape(array)[:1]
        if np.shape(array) != rows + shape.shape[1:] or np.result_type(array) != shape.dtype:
            why = f"{np.result_type(array)}{list(np.shape(array))} came, {shape.dtype}{list(shape.shape)} was read"
            fix = "read the program again for other shapes: every shape is a plan of its own"
            found.append(catalog.BATCH_MISMATCH.at(subject=f"batch:{path_of(keys)}", why=why, fix=fix))
    return found
