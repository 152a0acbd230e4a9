"""A program's loss as a pipeline computes it: one differentiable function, whatever the schedule is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import AbstractMesh, Mesh, PartitionSpec, get_abstract_mesh

from axisrules.adapters import Program, reading
from axisrules.pipeline.engine import Engine, Manual
from axisrules.pipeline.failure import check_constraints
from axisrules.pipeline.floats import Arrays, is_float
from axisrules.pipeline.inputs import Inputs, read_inputs
from axisrules.pipeline.keeping import RECOMPUTED, Keeping
from axisrules.pipeline.layers import Layers
from axisrules.pipeline.layout import StageLayout
from axisrules.pipeline.loss import cut_loss, trace_loss
from axisrules.pipeline.parts import Parts
from axisrules.pipeline.rows import Rows
from axisrules.pipeline.split import Split
from axisrules.pipeline.tables import Tables
from axisrules.pipeline.trace import Trace
from axisrules.schedules import Schedule, forward_only


@dataclass(frozen=True, eq=False)
class Objective:
    """The loss of `program` on `mesh`, its layers cut by `layout` and run by `schedule`."""

    program: Program
    mesh: Mesh | AbstractMesh
    manual: Manual
    layout: StageLayout
    schedule: Schedule
    inputs: Inputs
    keeping: Keeping = RECOMPUTED
    fill: float = 0.0

    @cached_property
    def whole(self) -> tuple[Trace, Split, Any]:
        """The loss of the whole batch, its cut, and the tree of metrics and rest."""
        cut, structure = cut_loss(self.program, self.inputs)
        check_constraints(cut.trace.jaxpr, {self.manual.stage_axis, *self.manual.data_axes})
        return cut.trace, cut, structure

    def __call__(self, params: Any, rest: Any, batch: Any, key: Any) -> tuple[Any, tuple[Any, Any]]:
        """The loss, and beside it the metrics and `rest` afterwards; differentiable by `params`."""
        flat = jax.tree.leaves((params, rest, key, batch))
        inputs = self.inputs.of_arrays(flat)
        if inputs.rows != self.inputs.rows:
            return replace(self, inputs=inputs)(params, rest, batch, key)
        whole, cut, structure = self.whole
        names = [("in", at, 0) for at in range(len(flat))]
        handed = (*cut.statics, *(("operand", at, 0) for at in cut.stacked))
        made = whole.function(names, handed)(*flat)
        statics = dict(zip(cut.statics, made[: len(cut.statics)], strict=True))
        stacked = [self.layout.cut(value) for value in made[len(cut.statics) :]]
        outs = [("out", at, 0) for at in range(len(whole.jaxpr.outvars))]
        closing = whole.function((*names, *cut.sums), outs)
        results = self.scheduled(closing, statics, stacked, flat)
        return results[0], jax.tree.unflatten(structure, results[1:])

    def evaluate(self, params: Any, rest: Any, batch: Any) -> dict[str, Any]:
        """The metrics, the loss among them, without any randomness: forward tasks alone."""
        own = replace(self, inputs=read_inputs(self.program, has_key=False), keeping=RECOMPUTED)
        loss, (metrics, _) = own(params, rest, batch, None)
        return {"loss": loss, **metrics}

    def scheduled(
        self, closing: Callable[..., Arrays], statics: dict[Any, Any], stacked: Arrays, flat: Arrays
    ) -> Arrays:
        """The loss and metrics, their gradients computed on the way."""
        _, cut, _ = self.whole
        zeros = [jnp.zeros(self.whole[0].atom(name).aval.shape, jnp.float32) for name in cut.sums]

        @jax.custom_vjp
        def results(statics: Any, stacked: Arrays, flat: Arrays) -> Arrays:
            sums, _, _ = self.on_mesh(forward_only(self.schedule), statics, stacked, flat, zeros)
            return closing(*flat, *sums)

        def forward(statics: Any, stacked: Arrays, flat: Arrays) -> tuple[Arrays, Any]:
            slopes = jax.grad(lambda sums: closing(*flat, *sums)[0])(zeros)
            sums, of_statics, of_stacked = self.on_mesh(self.schedule, statics, stacked, flat, slopes)
            floats = [at for at, value in enumerate(flat) if is_float(value)]

            def direct(*own: Any) -> tuple[Any, Arrays]:
                filled = list(flat)
                for at, value in zip(floats, own, strict=True):
                    filled[at] = value
                made = closing(*filled, *sums)
                return made[0], made

            of_flat, made = jax.grad(direct, tuple(range(len(floats))), has_aux=True)(
                *(flat[at] for at in floats)
            )
            return made, (of_statics, of_stacked, dict(zip(floats, of_flat, strict=True)))

        def backward(gradients: Any, cotangents: Arrays) -> Any:
            of_statics, of_stacked, of_flat = gradients
            scale = cotangents[0]
            left = iter(of_stacked)
            return (
                {name: _scaled(of_statics.get(name), value, scale) for name, value in statics.items()},
                [_scaled(next(left) if is_float(value) else None, value, scale) for value in stacked],
                [_scaled(of_flat.get(at), value, scale) for at, value in enumerate(flat)],
            )

        results.defvjp(forward, backward)
        return results(statics, stacked, flat)

    def on_mesh(
        self, schedule: Schedule, statics: dict[Any, Any], stacked: Arrays, flat: Arrays, slopes: Arrays
    ) -> tuple[Arrays, dict[Any, Any], Arrays]:
        """The engine's results, with stages and data in its own hands and every other axis in GSPMD's."""
        manual, everywhere = self.manual, PartitionSpec()
        own = {at: flat[at] for at in self.inputs.of("rows", "key")}
        own_specs = {at: self.rows_spec(at) for at in own}
        on_stage = PartitionSpec(None, manual.stage_axis)
        shards = self.shards
        indices = (jnp.arange(manual.stages), jnp.arange(shards))
        index_specs = (PartitionSpec(manual.stage_axis), PartitionSpec(manual.data_axes or None))
        run = jax.shard_map(
            partial(self.on_device, schedule),
            mesh=self.mesh if get_abstract_mesh().empty else get_abstract_mesh(),
            in_specs=(everywhere, on_stage, own_specs, everywhere, index_specs),
            out_specs=(everywhere, everywhere, on_stage),
            axis_names={manual.stage_axis, *manual.data_axes},
            check_vma=False,
        )
        result: tuple[Arrays, dict[Any, Any], Arrays] = run(statics, stacked, own, slopes, indices)
        return result

    def on_device(
        self, schedule: Schedule, statics: Any, stacked: Arrays, own: Any, slopes: Arrays, indices: Any
    ) -> tuple[Arrays, dict[Any, Any], Arrays]:
        """What one device does."""
        rows = self.microbatch_rows
        parts = self.parts(rows)
        is_spread = schedule.head_rounds > 0
        engine = Engine(
            layers=Layers(
                parts,
                self.layout,
                [value[:, 0] for value in stacked],
                self.keeping.group,
                self.keeping.is_recomputed,
            ),
            head=self.parts(rows // schedule.stages) if is_spread else parts,
            rows=Rows(self.inputs, own, rows, indices[1][0], self.shards),
            tables=Tables(schedule),
            manual=self.manual,
            statics=statics,
            cotangents=slopes,
            stage=indices[0][0],
            fill=self.fill,
        )
        sums, of_statics, of_stacked = engine.run()
        return sums, of_statics, [gradient[:, None] for gradient in of_stacked]

    def parts(self, rows: int) -> Parts:
        """The parts for so many rows, traced on the mesh as it is here."""
        _, cut, _ = self.whole
        made = self.trace_of(rows)
        share = 1 / (self.shards * self.schedule.microbatches) if cut.are_means else 1
        return Parts(cut, made.like(cut.trace), self.inputs, share, self.keeping.policies)

    @property
    def microbatch_rows(self) -> int:
        """How many rows of the batch a device has in a microbatch."""
        return self.inputs.rows // (self.shards * self.schedule.microbatches)

    @cached_property
    def travels_by_rows(self) -> bool:
        """Whether all that travels from stage to stage has rows, and can be shared out by them."""
        whole, cut, _ = self.whole
        with reading():
            twin = self.trace_of(2 * self.inputs.rows).like(whole)
        names = (*cut.carry, *cut.extras)
        pairs = ((whole.atom(name).aval.shape, twin.atom(name).aval.shape) for name in names)
        return not cut.collected and all(one != other for one, other in pairs)

    def trace_of(self, rows: int) -> Trace:
        """The loss of a batch of so many rows."""
        return trace_loss(self.program, self.inputs, rows, [])

    @property
    def shards(self) -> int:
        """Over how many devices the batch is cut."""
        size = 1
        for axis in self.manual.data_axes:
            size *= self.mesh.shape[axis]
        return size

    def rows_spec(self, at: int) -> PartitionSpec:
        """How an input is cut over data."""
        if at not in self.inputs.row_dims or not self.manual.data_axes:
            return PartitionSpec()
        return PartitionSpec(*[None] * self.inputs.row_dims[at], self.manual.data_axes)


def _scaled(gradient: Any, value: Any, scale: Any) -> Any:
    if not is_float(value):
        return jnp.zeros(value.shape, jax.dtypes.float0)
    return jnp.zeros_like(value) if gradient is None else (gradient * scale).astype(value.dtype)
