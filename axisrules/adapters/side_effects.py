"""Prints and callbacks of a model: what JAX makes of them in a step, said before there is one."""

from collections.abc import Iterable, Iterator
from typing import Any

import jax

from axisrules.adapters.failure import user_failure
from axisrules.adapters.own_constraints import OwnConstraints
from axisrules.adapters.program import Loss, Shapes
from axisrules.adapters.reading import Reading
from axisrules.adapters.record import Recorder, recording
from axisrules.diagnostics import Diagnostic, Origin, catalog
from axisrules.infer import Opaque


def check_gradient(reading: Reading, loss: Loss, batch: Shapes, own: OwnConstraints) -> None:
    """Raise AxisRulesError (AXR311) where the loss has no gradient, as with an io_callback in its way."""

    def scored(params: Any, rest: Any, key: jax.Array, batch: Any) -> Any:
        found = loss(reading.bind(params, rest, key), batch)
        return found[0] if isinstance(found, tuple) else found

    key = jax.eval_shape(jax.random.key, 0)
    with recording(Recorder()), user_failure(catalog.UNTRACEABLE, "the loss's gradient"), own.seen():
        jax.eval_shape(jax.grad(scored, allow_int=True), reading.params, reading.rest, key, batch)


def ordered_effects(opaque: Iterable[Opaque]) -> Iterator[Diagnostic]:
    """A warning (AXR326) for each kind of side effect whose calls keep their order."""
    for found in opaque:
        if found.is_ordered:
            file, _, line = found.source.rpartition(":")
            origin = Origin(file, int(line)) if file else None
            why = (
                f"`{found.primitive}`, {found.count}x, keeps the order of its calls, as one device alone can"
            )
            fix = "leave out ordered=True"
            yield catalog.ORDERED_EFFECT.at(origin, subject="the model or its loss", why=why, fix=fix)
