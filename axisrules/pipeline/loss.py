"""A program's loss as one flat function, traced and cut."""

from dataclasses import replace
from functools import partial
from typing import Any

import jax

from axisrules.adapters import Program, reading
from axisrules.diagnostics import AxisRulesError, catalog
from axisrules.pipeline.floats import Arrays
from axisrules.pipeline.inputs import Inputs
from axisrules.pipeline.roll import Unlike, roll
from axisrules.pipeline.split import Split, split
from axisrules.pipeline.trace import Trace, trace


def scored(program: Program, trees: list[Any], params: Any, rest: Any, key: Any, batch: Any) -> Arrays:
    """The loss, and the leaves of the metrics and of `rest` afterwards; their tree is put into `trees`."""
    model = program.bind(params, rest, key)
    result = program.loss(model, batch)
    loss, metrics = result if program.has_metrics else (result, {})
    leaves, structure = jax.tree.flatten((metrics, program.collect(model)))
    trees.append(structure)
    return [loss, *leaves]


def trace_loss(program: Program, inputs: Inputs, rows: int, trees: list[Any]) -> Trace:
    """The loss of a batch of so many rows, with a loop over its layers where a list holds them.

    Raises AxisRulesError (AXR755) for layers in a list that are unlike each other.
    """
    plain = trace(partial(scored, program, trees), *inputs.with_rows(rows))
    rolled = None if inputs.layer_dims else roll(plain)
    if isinstance(rolled, Unlike):
        fix = "stages are made of equal layers: give these the same shapes, or take them out of the row"
        raise AxisRulesError([catalog.NO_LAYER_LOOP.at(why=rolled.why, fix=fix)])
    if rolled is None:
        return plain
    return replace(trace(rolled.function(), *inputs.flat_with_rows(rows)), is_rolled=True)


def cut_loss(program: Program, inputs: Inputs) -> tuple[Split, Any]:
    """The loss of a whole batch, cut at its layers, and the tree of its metrics and `rest`.

    Raises AxisRulesError: AXR755, AXR756 and AXR759 for what a pipeline cannot cut.
    """
    trees: list[Any] = []
    with reading():
        whole = trace_loss(program, inputs, inputs.rows, trees)
        twin = trace_loss(program, inputs, 2 * inputs.rows, trees)
    metrics, _ = jax.tree.unflatten(trees[0], range(trees[0].num_leaves))
    return split(whole, twin, inputs, len(jax.tree.leaves(metrics))), trees[0]
