"""A plan's pipeline in numbers, and what is worth changing in it: known before anything is compiled."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from axisrules.adapters import Program
from axisrules.axes import MeshAxis
from axisrules.diagnostics import AxisRulesError, Diagnostic, Origin
from axisrules.mesh import MeshSpec
from axisrules.partition import Partitioner, described_partitioner
from axisrules.pipeline import ModelCosts, Objective, make_objective, model_costs, weigh_program
from axisrules.resolve import Plan, stage_axis_of, tensor_axes_of
from axisrules.rules import RuleTable
from axisrules.schedules import (
    Costs,
    Split,
    advise_balance,
    advise_bubble,
    advise_need,
    advise_network,
    advise_rows,
    facts,
)

STATE = ("params", "optimizer", "gradients")


@dataclass(frozen=True)
class PipelineFacts:
    """How a layout runs its layers in stages.

    `split` has the layers of every stage, `microbatch_rows` the rows of a microbatch on one device, and
    `trips` the turns of each of the loops that make up `ticks`. `bubble` is the share of the time that a
    device waits, from the FLOPs of the parts; `peak_live` and `ring` count microbatches that are kept.
    """

    schedule: str
    stages: int
    microbatches: int
    repeats: int
    split: tuple[int, ...]
    microbatch_rows: int
    is_head_spread: bool
    ticks: int
    trips: tuple[int, ...]
    bubble: float
    imbalance: float
    peak_live: int
    ring: int


@dataclass(frozen=True, eq=False)
class FoundPipeline:
    """The pipeline of a plan, and what its parts cost by their FLOPs."""

    objective: Objective
    plan: Plan

    @cached_property
    def costs(self) -> Costs:
        """Of one device's layers, in layers."""
        return self._model.of_stages(self.objective.layout.counts, self.objective.schedule.stages)

    @cached_property
    def split(self) -> Split:
        """What each stage costs."""
        parts = self._model.parts()
        return parts.split(self.objective.layout.counts, self.objective.schedule.stages)

    @cached_property
    def facts(self) -> PipelineFacts:
        """Its numbers."""
        schedule = self.objective.schedule
        found = facts(schedule, self.costs)
        return PipelineFacts(
            schedule=schedule.name,
            stages=schedule.stages,
            microbatches=schedule.microbatches,
            repeats=schedule.repeats,
            split=self.split.counts,
            microbatch_rows=self.objective.microbatch_rows,
            is_head_spread=schedule.head_rounds > 0,
            ticks=found.ticks,
            trips=found.trips,
            bubble=found.bubble,
            imbalance=self.split.imbalance,
            peak_live=found.peak_live,
            ring=found.ring,
        )

    def advice(self, memory_bytes: int | None = None) -> Iterator[Diagnostic]:
        """AXR760, AXR763 and AXR764; AXR761 where a device's `memory_bytes` are known."""
        for found in advise_bubble(self.objective.schedule, self.costs, self.origin):
            yield replace(found, fix=self._sharing) if self._sharing else found
        yield from advise_rows(self.objective.microbatch_rows, self.tokens_per_row, self.origin)
        yield from advise_balance(self.split, self.origin)
        if memory_bytes is not None:
            yield from advise_need(self.bytes_without_stages, memory_bytes, self.origin)

    @property
    def _sharing(self) -> str:
        """How a head that is worth a stage's layers could be shared where it is not; or ""."""
        rows, schedule = self.objective.microbatch_rows, self.objective.schedule
        is_large = self.costs.head * schedule.repeats > self.costs.forward
        if schedule.head_rounds or not is_large or rows % schedule.stages == 0:
            return ""
        return (
            f"a microbatch has {rows} rows on a device: a multiple of the {schedule.stages} stages"
            " (by a larger batch or fewer microbatches) lets them share the head"
        )

    @property
    def origin(self) -> Origin:
        """Where the table asks for it."""
        return self.plan.rules.pipeline.origin

    @property
    def tokens_per_row(self) -> int:
        """How many vectors a row of the batch has on its way through the layers."""
        trace, cut, _ = self.objective.whole
        sizes = (math.prod(trace.atom(name).aval.shape[:-1]) for name in cut.carry)
        return max(sizes, default=0) // self.objective.inputs.rows

    @property
    def bytes_without_stages(self) -> int:
        """The state that a device would hold if every stage lay on it."""
        axis = MeshAxis(self.objective.manual.stage_axis)
        stages = self.objective.manual.stages
        return sum(
            leaf.bytes_per_device * (stages if any(axis in axes for axes in leaf.spec) else 1)
            for leaf in self.plan.leaves
            if leaf.leaf.kind in STATE
        )

    @cached_property
    def _model(self) -> ModelCosts:
        model = model_costs(weigh_program(self.objective.program))
        return model.keeping_all() if self.plan.rules.remat == () else model


def find_pipeline(partitioner: Partitioner) -> FoundPipeline | None:
    """The pipeline that a partitioner's steps run; None where there is none.

    Raises what make_objective does.
    """
    objective = make_objective(partitioner.program, partitioner.plan, partitioner.mesh)
    return FoundPipeline(objective, partitioner.plan) if objective else None


def check_pipeline(program: Program, table: RuleTable, mesh: MeshSpec) -> Iterator[Diagnostic]:
    """What is wrong with the pipeline of `table`, or worth changing in it, for this program."""
    yield from advise_slices(table, mesh)
    try:
        found = find_pipeline(described_partitioner(program, table, mesh))
    except AxisRulesError as error:
        yield from error.diagnostics
        return
    if found:
        yield from found.advice()


def advise_slices(table: RuleTable, mesh: MeshSpec) -> Iterator[Diagnostic]:
    """AXR762 for every mesh axis of tensor parallelism that crosses slices in a pipeline's place."""
    for tensor_axis in tensor_axes_of(table, mesh):
        yield from advise_network(dict(mesh.slices), tensor_axis, stage_axis_of(table))
