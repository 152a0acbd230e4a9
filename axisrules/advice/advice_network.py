"""Advice on what goes over which network: pipelines over slow ones, less communication over all."""

from collections.abc import Iterator
from dataclasses import replace

from axisrules.advice.advice_mesh import widest_model_axis
from axisrules.advice.axis_roles import layer_count
from axisrules.advice.counterfactual import (
    Case,
    Change,
    arranged,
    change,
    given_away,
)
from axisrules.advice.verdict import Proposal
from axisrules.analysis import SLOW_NETWORKS
from axisrules.axes import LogicalAxis, MeshAxis
from axisrules.evidence import LARGE_SHARE, SMALL_BYTES
from axisrules.rules import STAGED_AXES, PipelineRules, Rule, RuleTable, Scope

STAGE = MeshAxis("stage")
SCHEDULE = "1f1b"
# A pipeline of S stages waits (S - 1) / (M + S - 1) of the time: with M = 4 S, less than a fifth.
MICROBATCHES_PER_STAGE = 4


def ask_pipeline(case: Case) -> Proposal | None:
    """AXR922: data, FSDP or tensor parallelism goes over the slow network, and stages of layers could."""
    islands, layers = case.target.island_count, layer_count(case.plan)
    slow = case.evidence.ledger and case.evidence.ledger.only(where=lambda one: one.network in SLOW_NETWORKS)
    sent = slow.wire_bytes if slow else 0
    if case.roles.stage or islands == 1 or layers < islands or layers % islands:
        return None
    if case.evidence.ledger is not None and sent < SMALL_BYTES:
        return None
    changes = tuple(_staged(case, islands))
    why = f"there are {islands} {case.islands}, and each device sends {sent:,} bytes a step between them"
    return Proposal(why, changes) if changes else None


def ask_stage_across(case: Case) -> Proposal | None:
    """AXR762 with evidence: tensor parallelism goes over the slow network, and the table's stages do not."""
    stage, axis = case.roles.stage, widest_model_axis(case)
    if stage is None or axis is None or not case.is_across(axis) or case.is_across(stage):
        return None
    mesh = arranged(case, case.mesh.shape, stage)
    if not mesh.slices:
        return None
    why = f"`{axis}` goes across {case.islands}, and `{stage}` stays within one"
    return Proposal(why, (change(case, f"`{stage}` across {case.islands}", mesh=mesh),))


def ask_communication(case: Case) -> Proposal | None:
    """AXR924: more than a fifth of the step is communication that nothing hides."""
    share = case.evidence.communication_share
    if share is None or share <= LARGE_SHARE:
        return None
    changes = (*_half_tensor(case), *_half_state(case))
    why = f"{share:.0%} of the step is communication that no computation hides"
    return Proposal(why, changes) if changes else None


def ask_sequence(case: Case) -> Proposal | None:
    """AXR926: between a layer's halves all devices of tensor parallelism work on the same activations."""
    axis = widest_model_axis(case)
    rules = [rule for rule in case.table.rules if axis in rule.mesh_axes and rule.scope == Scope()]
    if axis is None or not rules:
        return None
    changes = []
    for name in _sequence_names(case):
        if not any(rule.logical_axis == name and rule.mesh_axes for rule in case.table.rules):
            first = Rule(name, (axis,), after=rules[-1].logical_axis)
            layer = (first, replace(first, mesh_axes=()), Rule(name, (), Scope("batch")))
            on_top = RuleTable(layers=(layer,))
            changes.append(change(case, f"`{name}` cut over `{axis}` where nothing else is", on_top=on_top))
    why = f"its {case.mesh.shape[axis]} devices hold and compute alike whatever `{axis}` does not cut"
    return Proposal(why, tuple(changes)) if changes else None


def _staged(case: Case, islands: int) -> Iterator[Change]:
    """A stage for every slice or node, its devices taken from each axis that has enough of them."""
    name = next(
        reason.logical_axis
        for leaf_plan in case.plan.leaves
        for reason in leaf_plan.resolution.dims
        if reason.logical_axis in STAGED_AXES
    )
    for axis, size in case.mesh.sizes:
        if size % islands or axis == STAGE:
            continue
        mesh = given_away(case, {axis: size // islands}, STAGE)
        rows = case.shard_rows * (islands if axis in case.roles.rows else 1)
        wanted = MICROBATCHES_PER_STAGE * islands
        microbatches = max((n for n in range(1, wanted + 1) if rows % n == 0), default=1)
        on_top = RuleTable(
            layers=((Rule(LogicalAxis(name or ""), (STAGE,)),),),
            pipeline=PipelineRules(schedule=SCHEDULE, microbatches=microbatches),
        )
        yield change(case, f"stages across {case.islands} in the place of `{axis}`", mesh=mesh, on_top=on_top)


def _sequence_names(case: Case) -> list[LogicalAxis]:
    """The logical axes of the batch's arrays besides its rows."""
    return list(
        dict.fromkeys(
            reason.logical_axis
            for leaf_plan in case.plan.leaves
            for reason in leaf_plan.resolution.dims
            if leaf_plan.leaf.kind == "batch" and reason.dim > 0 and reason.logical_axis
        )
    )


def _half_tensor(case: Case) -> Iterator[Change]:
    axis = widest_model_axis(case)
    if axis is not None and case.mesh.shape[axis] % 2 == 0:
        kept = case.mesh.shape[axis] // 2
        for to in case.roles.rows:
            mesh = given_away(case, {axis: kept}, to)
            yield change(case, f"half the ways of `{axis}`, the rest given to `{to}`", mesh=mesh)


def _half_state(case: Case) -> Iterator[Change]:
    """Half the ways of FSDP, with two copies of the state: hybrid sharding."""
    for axis in case.roles.state:
        others = [other for other in case.roles.rows if other not in case.roles.state]
        if others and case.mesh.shape[axis] % 2 == 0:
            mesh = given_away(case, {axis: case.mesh.shape[axis] // 2}, others[0])
            yield change(case, f"half the ways of `{axis}`, the rest given to `{others[0]}`", mesh=mesh)
