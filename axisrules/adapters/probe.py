"""One trace of a model with its boundaries marked: all that inference needs, and all that it is run by."""

from dataclasses import dataclass, replace
from typing import Any

import jax
from flax import linen as nn
from flax import nnx

from axisrules.adapters.activations import InForce
from axisrules.adapters.boundary import Boundaries, Marker, Observer
from axisrules.adapters.factory import check_model, is_plain
from axisrules.adapters.failure import user_failure
from axisrules.adapters.linen import read_linen
from axisrules.adapters.nnx import read_nnx
from axisrules.adapters.own_constraints import OwnConstraints
from axisrules.adapters.program import Loss, Shapes
from axisrules.adapters.reading import Reading
from axisrules.adapters.record import Recorder, recording
from axisrules.adapters.side_effects import check_gradient
from axisrules.adapters.whole_init import whole_inits
from axisrules.adapters.wrap_function import attach_function, read_function
from axisrules.adapters.wrap_linen import attach_linen
from axisrules.adapters.wrap_nnx import attach_nnx
from axisrules.diagnostics import AxisRulesError, Diagnostic, catalog
from axisrules.infer import AxisGraph, Traced, trace, unify

# The places of a program's arrays, as inference calls them.
INPUTS, PARAMS, STATE, BOUNDARIES = "inputs", "params", "state", "boundaries"


FORMS = "a linen Module, a function of nnx.Rngs, or a pair of functions (init(key), apply(params, x))"
ATTACH = {"linen": attach_linen, "nnx": attach_nnx, "function": attach_function}


@dataclass(frozen=True, eq=False)
class Probe:
    """A model as it was read, and what its loss computes from which arrays.

    `activations` has the shape of what crosses each boundary, by label, as the trace saw it; `findings`
    are the AXR325 of its initialisers.
    """

    reading: Reading
    own: OwnConstraints
    loss: Loss
    batch: Shapes
    graph: AxisGraph
    activations: dict[str, jax.ShapeDtypeStruct]
    findings: tuple[Diagnostic, ...]

    def observed_by(self, observer: Observer) -> Reading:
        """The model with `observer` at all its boundaries."""
        return ATTACH[self.reading.api](self.reading, Boundaries(observer, self.own))


def probe(model: Any, loss: Loss, batch: Shapes, own: OwnConstraints) -> Probe:
    """The probe of `model`, called as `loss` calls it on a batch of these shapes; nothing is allocated.

    Raises AxisRulesError: AXR309 for what is no model, AXR311 for a model or a loss that fails when it is
    traced, and AXR308 for variables that are no tree.
    """
    marker = Marker()
    reading = read_model(model, loss, batch, own)
    marked = ATTACH[reading.api](reading, Boundaries(marker, own))
    traced = trace_loss(marked, loss, batch, own, Recorder())
    if traced.jaxpr.effects:
        check_gradient(reading, loss, batch, own)
    whole = tuple(whole_inits(reading.init))
    return Probe(reading, own, loss, batch, unify(traced), marker.shapes, whole)


def read_model(model: Any, loss: Loss, batch: Shapes, own: OwnConstraints) -> Reading:
    """What any model that `wrap` takes holds. Raises AXR308, AXR309 and AXR311."""
    with recording(Recorder()), user_failure(catalog.UNTRACEABLE, "the model or its loss"), own.seen():
        return _quiet(_read(model, loss, batch), own)


def trace_loss(reading: Reading, loss: Loss, batch: Shapes, own: OwnConstraints, layout: InForce) -> Traced:
    """One call of the loss as a jaxpr with places, while `layout` answers what the model constrains."""

    def scored(params: Any, rest: Any, key: jax.Array, batch: Any) -> Any:
        return loss(reading.bind(params, rest, key), batch)

    key = jax.eval_shape(jax.random.key, 0)
    arguments = {PARAMS: reading.params, STATE: reading.rest, "key": key, INPUTS: batch}
    with recording(layout), user_failure(catalog.UNTRACEABLE, "the model or its loss"), own.seen():
        return trace(scored, arguments)


def _read(model: Any, loss: Loss, batch: Shapes) -> Reading:
    if is_plain(model):
        return read_function(model)
    if not isinstance(model, nn.Module | nnx.Module) and not callable(model):
        why = f"it is of type {type(model).__name__}"
        raise AxisRulesError([catalog.BAD_FACTORY.at(why=why, fix=f"give {FORMS}")])
    check_model(model)
    return read_linen(model, loss, batch) if isinstance(model, nn.Module) else read_nnx(model)


def _quiet(reading: Reading, own: OwnConstraints) -> Reading:
    """What the model constrains while it is initialised is dropped: only its variables are kept."""
    dropping = replace(own, choice="drop")

    def init(key: jax.Array) -> tuple[Any, Any]:
        with dropping.seen():
            return reading.init(key)

    return replace(reading, init=init)
