"""Where a model is cut: what comes before its layers, the layers, and the sums that its loss is made of.

Found in the traced loss, not in the model: whatever API and style it is written in, its layers are a loop
over stacked weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.extend.core import Jaxpr, Literal, Var, jaxprs_in_params

from axisrules.diagnostics import AxisRulesError, catalog
from axisrules.pipeline.failure import line_of
from axisrules.pipeline.inputs import Inputs
from axisrules.pipeline.trace import Name, Trace, aval, read_loop
from axisrules.pipeline.values import WEIGHTS, Needs, Reader, Value


@dataclass(frozen=True, eq=False)
class Split:
    """A loss, cut at its layer loop; every value by its name in the trace.

    `statics` are the same for every microbatch and are computed once, before the pipeline, and so are the
    loop's operands at `stacked`, which are cut over stages. Those at `fresh` are computed anew from each
    microbatch. `extras` go with the activations from stage to stage, for layers or the head to use, and so
    do the loop's results at `collected`, a slice per layer. `sums` are what the head gives; the loss and
    the metrics are functions of their totals.
    """

    trace: Trace
    statics: tuple[Name, ...]
    stacked: tuple[int, ...]
    fresh: tuple[int, ...]
    extras: tuple[Name, ...]
    collected: tuple[int, ...]
    sums: tuple[Name, ...]
    # Whether the sums that layers make are means over rows: then they are averaged over microbatches.
    are_means: bool

    @property
    def carry(self) -> tuple[Name, ...]:
        """The operands of the loop that it hands on from layer to layer."""
        loop = self.trace.loop
        return tuple(("operand", at, 0) for at in range(loop.consts, loop.consts + loop.carry))


def split(trace: Trace, twin: Trace, inputs: Inputs, metrics: int) -> Split:
    """Cut `trace`, which gives the loss of `inputs`, then `metrics` metrics, then what goes on as `rest`.

    `twin` is the same for twice as many rows. Raises AxisRulesError: AXR755 where there is no loop over
    stacked weights, or more than one, or where what the layers read cannot go through a pipeline; AXR756
    for a loss or metric that is not made of sums over rows; AXR759 for a `rest` that depends on rows.
    """
    if [eqn.primitive for eqn in trace.jaxpr.eqns] != [eqn.primitive for eqn in twin.jaxpr.eqns]:
        why = f"it computes something else for {2 * inputs.rows} rows than for {inputs.rows}"
        raise AxisRulesError([catalog.NO_LAYER_LOOP.at(why=why)])
    reader = Reader(trace, twin, inputs)
    reader.read()
    if reader.loop_at is None:
        why = "no loop goes over weights with a dim named `layers` or `stage`, and no layers stand in a list"
        fix = (
            "scan the layers with nn.scan or nnx.scan, or keep equal ones in a list: layers_0, layers_1, ..."
        )
        raise AxisRulesError([catalog.NO_LAYER_LOOP.at(why=why, fix=fix)])
    trace = replace(trace, loop_at=reader.loop_at)
    cutter = _Cutter(trace, reader.values)
    loss, *others = trace.jaxpr.outvars
    cutter.check_loss(loss)
    cutter.check_rest(others[metrics:])
    sums = cutter.sums_of([loss, *others[:metrics]])
    cutter.follow([trace.atom(name) for name in sums], is_head=True)
    stacked, fresh = cutter.operands()
    loop, twice = trace.loop, read_loop(twin.jaxpr.eqns[reader.loop_at])
    front = [loop.eqn.invars[at] for at in range(loop.consts, loop.consts + loop.carry)]
    cutter.follow([*front, *(loop.eqn.invars[at] for at in fresh)])
    cutter.follow([trace.atom(name) for name in cutter.extras])
    return Split(
        trace,
        tuple(cutter.statics),
        stacked,
        fresh,
        tuple(cutter.extras),
        tuple(sorted(j for j in cutter.loop_results if j >= loop.carry)),
        tuple(sums),
        are_means=_literals(loop.body.jaxpr) != _literals(twice.body.jaxpr),
    )


def _literals(jaxpr: Jaxpr) -> list[Any]:
    """The numbers written into a jaxpr: a mean divides by the number of rows."""
    found = [atom.val for eqn in jaxpr.eqns for atom in eqn.invars if isinstance(atom, Literal)]
    inner = (part for eqn in jaxpr.eqns for part in jaxprs_in_params(eqn.params))
    return [
        *(float(val) for val in found if np.ndim(val) == 0),
        *(val for part in inner for val in _literals(part)),
    ]


@dataclass
class _Cutter:
    """Follows values back to what they are made of, and notes where the pipeline's parts meet."""

    trace: Trace
    values: dict[Var, Value]
    statics: dict[Name, None] = field(default_factory=dict)
    extras: dict[Name, None] = field(default_factory=dict)
    loop_results: set[int] = field(default_factory=set)

    def sums_of(self, results: Sequence[Any]) -> list[Name]:
        """The row sums that `results` are made of."""
        found: dict[Name, None] = {}
        waiting = [atom for atom in results if isinstance(atom, Var)]
        seen = set(waiting)
        for var in waiting:
            self.check_total(var)
        while waiting:
            var = waiting.pop()
            value = self.values[var]
            if value.is_sum:
                found[self.trace.name_of[var]] = None
            elif value.is_total:
                inner = {v for v in self.trace.maker[var].invars if isinstance(v, Var)} - seen
                seen |= inner
                waiting += inner
        return sorted(found)

    def check_loss(self, loss: Any) -> None:
        """Raise AXR756 for a loss that is no affine function of row sums."""
        bent = self.values[loss].bent_by if isinstance(loss, Var) else None
        if bent is not None:
            why = f"`{bent.primitive.name}` of a sum over rows is no sum over microbatches"
            fix = "return the sum or mean itself as the loss; take functions of it into the metrics"
            raise AxisRulesError([catalog.LOSS_NOT_SUM.at(line_of(bent), why=why, fix=fix)])

    def check_rest(self, results: Sequence[Any]) -> None:
        """Raise AXR759 for what a step carries along if it depends on the batch's rows."""
        for atom in results:
            if isinstance(atom, Var) and self.values[atom].needs & Needs.ROWS:
                maker = self.trace.maker.get(atom)
                why = f"an array of {atom.aval} that a step carries along is computed from the batch"
                fix = (
                    "a pipeline carries no such statistics along: normalise over features, not over the batch"
                )
                found = catalog.STATE_OF_ROWS.at(line_of(maker) if maker else None, why=why, fix=fix)
                raise AxisRulesError([found])

    def check_total(self, var: Var) -> None:
        """Raise AXR756 for a result that is not made of sums over rows."""
        value = self.values[var]
        culprit = value.culprit
        if culprit is None and value.varies:
            culprit = self.trace.maker.get(var)
        if culprit is not None:
            why = f"`{culprit.primitive.name}` over the batch's rows does not add up over microbatches"
            fix = "let the loss and its metrics be sums or means over rows, or functions of such sums"
            raise AxisRulesError([catalog.LOSS_NOT_SUM.at(line_of(culprit), why=why, fix=fix)])

    def follow(self, atoms: Sequence[Any], *, is_head: bool = False) -> None:
        """Note what must be handed over so that `atoms` can be computed."""
        waiting = [atom for atom in atoms if isinstance(atom, Var)]
        seen = set(waiting)
        first = set(waiting)
        while waiting:
            var = waiting.pop()
            value, maker = self.values[var], self.trace.maker.get(var)
            if maker is self.trace.loop.eqn:
                self.loop_results.add(maker.outvars.index(var))
                continue
            if value.is_static:
                self.statics[self.trace.name_of[var]] = None
                continue
            travels = is_head and not value.after_loop and bool(value.needs & WEIGHTS) and var not in first
            if travels and jnp.issubdtype(aval(var).dtype, jnp.inexact):
                self.extras[self.trace.name_of[var]] = None
                continue
            inner = {v for v in (maker.invars if maker else ()) if isinstance(v, Var)} - seen
            seen |= inner
            waiting += sorted(inner, key=str)

    def operands(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The places of the loop's operands that are cut over stages, and of those made anew each time."""
        loop = self.trace.loop
        stacked, fresh = [], []
        for at, atom in enumerate(loop.eqn.invars):
            is_cut = at >= loop.consts + loop.carry
            if loop.consts <= at and not is_cut:
                continue
            value = self.values[atom] if isinstance(atom, Var) else None
            weighty = value and value.varies and value.needs & WEIGHTS
            if value and value.is_static:
                if is_cut:
                    stacked.append(at)
                else:
                    self.statics["operand", at, 0] = None
            elif weighty and jnp.issubdtype(aval(atom).dtype, jnp.inexact):
                if is_cut:
                    why = f"operand {at} of the layers' loop, {atom.aval}, is computed from rows and weights"
                    raise AxisRulesError([catalog.NO_LAYER_LOOP.at(line_of(loop.eqn), why=why)])
                self.extras["operand", at, 0] = None
            else:
                fresh.append(at)
        return tuple(stacked), tuple(fresh)
