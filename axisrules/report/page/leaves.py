"""The leaves of a plan, as the page lists them: a card each, and leaves that are alike on one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from axisrules.axes import MeshAxis
from axisrules.diagnostics import printable
from axisrules.mesh import MeshSpec
from axisrules.report.leaf_words import (
    dim_words,
    local_size,
    lost_words,
    shape_words,
    spec_words,
    ways_words,
    won_words,
)
from axisrules.report.quantities import counted, readable_bytes
from axisrules.report.rows import follows_its_parameter, grouped, of_kind, starred, without_numbers
from axisrules.resolve import DimReason, LeafPlan, Plan
from axisrules.rules import KINDS, Kind

MAX_PATH = 512
# A cut dim: its name, its size, and its mesh axes, major to minor.
Cut = tuple[str, int, tuple[MeshAxis, ...]]
# Beyond so many cards of a kind, leaves share one by shape and layout alone, whatever they are called.
MANY = 120


@dataclass(frozen=True, slots=True)
class DimFacts:
    """A dim in words; `mesh_axis` is the place of its first mesh axis in the mesh, which gives the colour."""

    dim: int
    name: str
    size: int
    mesh_axes: str
    mesh_axis: int | None
    cut: str
    local: int
    won: str
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeafFacts:
    """Leaves that share kind, shape and layout, in words; `paths` has `*` for the numbers of layers, and
    `ends` the first and the last of several whole.

    From `cuts` the page's script works out who holds what.
    """

    kind: Kind
    paths: tuple[str, ...]
    ends: tuple[str, str] | None
    count: int
    dims: tuple[DimFacts, ...]
    whole: str
    held: str
    spec: str
    blocks: str
    local_shape: str
    size: str
    is_follower: bool
    cuts: tuple[Cut, ...]
    first: LeafPlan


def leaf_facts(plan: Plan) -> tuple[LeafFacts, ...]:
    """Every leaf of the plan, those of a kind together and the largest of a kind first."""
    return tuple(facts for kind in KINDS for facts in _of_kind(plan, kind))


def _of_kind(plan: Plan, kind: Kind) -> list[LeafFacts]:
    leaves = of_kind(plan, kind)
    followers = {id(leaf) for leaf in leaves if follows_its_parameter(leaf, plan)}
    groups = grouped(leaves, lambda one: _key(one, by_path=id(one) not in followers))
    if len(groups) > MANY:
        groups = grouped(leaves, lambda one: _key(one, by_path=False))
    groups.sort(key=lambda group: -sum(leaf.bytes_per_device for leaf in group))
    return [_facts(group, all(id(one) in followers for one in group), plan) for group in groups]


def _key(leaf_plan: LeafPlan, *, by_path: bool) -> tuple[object, ...]:
    """What leaves on one card share; a follower's own name says little that its parameter's does not."""
    layout = leaf_plan.leaf.shape, leaf_plan.leaf.dtype, leaf_plan.resolution
    return (*layout, without_numbers(leaf_plan.path)) if by_path else layout


def _facts(plans: Sequence[LeafPlan], is_follower: bool, plan: Plan) -> LeafFacts:
    first, leaf = plans[0], plans[0].leaf
    same = grouped(plans, lambda one: without_numbers(one.path))
    return LeafFacts(
        kind=leaf.kind,
        paths=tuple(printable(starred(one.path for one in group), MAX_PATH) for group in same),
        ends=(printable(first.path, MAX_PATH), printable(plans[-1].path, MAX_PATH))
        if len(plans) > 1
        else None,
        count=len(plans),
        dims=tuple(_dim(reason, plan.mesh) for reason in first.resolution.dims),
        whole=f"{leaf.dtype} {shape_words(leaf.shape)}, {readable_bytes(leaf.bytes)}",
        held=f"{shape_words(first.local_shape)}, {readable_bytes(first.bytes_per_device)}",
        spec=spec_words(first.spec),
        blocks=_blocks(first, plan.mesh),
        local_shape=shape_words(first.local_shape),
        size=readable_bytes(sum(one.bytes_per_device for one in plans)),
        is_follower=is_follower,
        cuts=cuts(first),
        first=first,
    )


def cuts(leaf_plan: LeafPlan) -> tuple[Cut, ...]:
    """The cut dims of an array: name, size, and mesh axes major to minor."""
    return tuple(
        (printable(reason.logical_axis or f"dim {reason.dim}"), size, reason.mesh_axes)
        for reason, size in zip(leaf_plan.resolution.dims, leaf_plan.leaf.shape, strict=True)
        if reason.ways > 1
    )


def _blocks(leaf_plan: LeafPlan, mesh: MeshSpec) -> str:
    if leaf_plan.ways == 1:
        return "not cut: every device holds all of it"
    held = counted(mesh.device_count // leaf_plan.ways, "device")
    return f"{counted(leaf_plan.ways, 'block')}, each on {held}"


def _dim(reason: DimReason, mesh: MeshSpec) -> DimFacts:
    name, mesh_axes = dim_words(reason)
    places = [mesh_axis for mesh_axis, _ in mesh.sizes]
    local = local_size(reason)
    return DimFacts(
        dim=reason.dim,
        name=name.rpartition("=")[0],
        size=local * reason.ways,
        mesh_axes=mesh_axes,
        mesh_axis=places.index(reason.mesh_axes[0]) if reason.mesh_axes else None,
        cut=ways_words(reason, mesh),
        local=local,
        won=won_words(reason),
        lost=tuple(lost_words(rejection) for rejection in reason.rejected),
    )
