"""Annotations that exist, held against what the model computes with the arrays that carry them."""

from dataclasses import dataclass, field
from typing import Any

import jax
from jax.ad_checkpoint import checkpoint_name

from axisrules.adapters.batch import read_batch
from axisrules.adapters.failure import LIBRARIES
from axisrules.adapters.own_constraints import OwnConstraints
from axisrules.adapters.probe import BOUNDARIES, INPUTS, PARAMS, STATE, read_model, trace_loss
from axisrules.adapters.program import AxesByPath, Loss
from axisrules.adapters.wrap_names import contradicted
from axisrules.axes import AxisNames
from axisrules.diagnostics import Diagnostic, Origin, raise_errors
from axisrules.infer import BOUNDARY_MARK, Inference, Seed, name_axes, unify

ANNOTATED = "its annotation"


@dataclass(frozen=True)
class TypeReport:
    """What holds of a model's annotations: how many there are, and each one that cannot be right."""

    annotated: int
    findings: tuple[Diagnostic, ...]
    inference: Inference


def typecheck(model: Any, loss: Loss, batch: Any, *, batch_axes: Any = None) -> TypeReport:
    """Every annotation of `model` that contradicts the computation, the likeliest culprit first.

    Annotations are those of its variables, the names that it constrains activations by (through
    axisrules or through Flax), and those of the batch. The findings are AXR322, for one axis under two
    names or one name on two axes, and AXR303 for names and dims that differ in number.

    Raises AxisRulesError: AXR309 and AXR311 for the model and its loss, AXR306 for an annotation that
    names no logical axes, AXR502 for the batch.
    """
    shapes, batch_names = read_batch(batch, batch_axes)
    own = OwnConstraints("keep")
    notes = _Notes()
    reading = read_model(model, loss, shapes, own)
    raise_errors(reading.findings)
    traced = trace_loss(reading, loss, shapes, own, notes)
    kinds = {
        PARAMS: reading.param_axes,
        STATE: reading.rest_axes,
        INPUTS: batch_names,
        BOUNDARIES: notes.axes,
    }
    seeds = [
        Seed(kind, path, names, str(notes.lines.get(path, ANNOTATED)))
        for kind, axes in kinds.items()
        for path, names in axes.items()
        if names and any(names)
    ]
    inference = name_axes(unify(traced), seeds, hidden=LIBRARIES)
    origins = {str(line): line for line in notes.lines.values()}
    found = tuple(contradicted(contradiction, origins) for contradiction in inference.contradictions)
    return TypeReport(len(seeds), found, inference)


@dataclass(eq=False)
class _Notes:
    """What is in force while a model is checked: each constraint marks its array, and is noted."""

    axes: AxesByPath = field(default_factory=dict)
    lines: dict[str, Origin] = field(default_factory=dict)

    def constrain_array(self, x: Any, names: AxisNames, origin: Origin) -> Any:
        """`x`, marked; the line that is met again is another constraint."""
        label = f"{origin}#{len(self.axes)}"
        self.axes[label], self.lines[label] = names, origin
        return checkpoint_name(x, BOUNDARY_MARK + label)

    def constrain_own(self, x: jax.Array, sharding: Any, origin: Origin) -> Any:  # noqa: ARG002 - InForce's own
        """`x` as it is: mesh axes are no names of its dims."""
        return x
