"""A program's loss as one flat function, traced and cut."""

from functools import partial
from typing import Any

import jax

from axisrules.adapters import Program, reading
from axisrules.pipeline.floats import Arrays
from axisrules.pipeline.inputs import Inputs
from axisrules.pipeline.split import Split, split
from axisrules.pipeline.trace import trace


def scored(program: Program, trees: list[Any], params: Any, rest: Any, key: Any, batch: Any) -> Arrays:
    """The loss, and the leaves of the metrics and of `rest` afterwards; their tree is put into `trees`."""
    model = program.bind(params, rest, key)
    result = program.loss(model, batch)
    loss, metrics = result if program.has_metrics else (result, {})
    leaves, structure = jax.tree.flatten((metrics, program.collect(model)))
    trees.append(structure)
    return [loss, *leaves]


def cut_loss(program: Program, inputs: Inputs) -> tuple[Split, Any]:
    """The loss of a whole batch, cut at its layers, and the tree of its metrics and `rest`.

    Raises AxisRulesError: AXR755, AXR756 and AXR759 for what a pipeline cannot cut.
    """
    trees: list[Any] = []
    with reading():
        whole = trace(partial(scored, program, trees), *inputs.with_rows(inputs.rows))
        twin = trace(partial(scored, program, trees), *inputs.with_rows(2 * inputs.rows))
    metrics, _ = jax.tree.unflatten(trees[0], range(trees[0].num_leaves))
    return split(whole, twin, inputs, len(jax.tree.leaves(metrics))), trees[0]
