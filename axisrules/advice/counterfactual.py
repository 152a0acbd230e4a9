"""What a table might have said instead: another mesh of the same devices, or a few rules on top."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

from axisrules.adapters import Program
from axisrules.advice.axis_roles import AxisRoles, axis_roles, rows_reason
from axisrules.analysis import SLOW_NETWORKS
from axisrules.axes import LogicalAxis, MeshAxis
from axisrules.evidence import LayoutEvidence
from axisrules.mesh import MeshSpec, Target
from axisrules.resolve import Plan
from axisrules.rules import STAGED_AXES, Kind, PipelineRules, Rule, RuleTable, dump_rules

NOTHING_ON_TOP = RuleTable()


@dataclass(frozen=True, eq=False)
class Case:
    """A table on a target as it stands: its plan, and what the compiler showed of it.

    `evidence` has an error where nothing could be compiled. The plan's mesh has all its sizes.
    """

    program: Program
    plan: Plan
    target: Target
    evidence: LayoutEvidence

    @property
    def table(self) -> RuleTable:
        """The table, its mesh the plan's own."""
        return self.plan.rules

    @property
    def mesh(self) -> MeshSpec:
        """The mesh that the table is on."""
        return self.plan.mesh

    @cached_property
    def roles(self) -> AxisRoles:
        """What each mesh axis does."""
        return axis_roles(self.plan)

    @property
    def memory_bytes(self) -> int:
        """What a program may use of one device."""
        return self.target.chip.compile_limit_bytes

    @property
    def shard_rows(self) -> int:
        """How many rows of the batch each data shard has; 0 for a batch that names no rows."""
        reason = rows_reason(self.plan)
        return (reason.size or 0) // reason.ways if reason else 0

    @property
    def islands(self) -> str:
        """What the groups of devices with fast links are called."""
        return "nodes" if self.target.platform == "gpu" else "slices"

    def is_across(self, axis: MeshAxis) -> bool:
        """Whether `axis` goes across slices or nodes, by the mesh's word or by that of the ledger."""
        if self.target.island_count == 1:
            return False
        return dict(self.mesh.slices).get(axis, 1) > 1 or any(
            one.network in SLOW_NETWORKS and one.mesh_axes == (axis,) for one in self.evidence.ledger or ()
        )


@dataclass(frozen=True)
class Change:
    """A table in the place of another: what is changed in `words`, and the `lines` of TOML that change it."""

    words: str
    lines: tuple[str, ...]
    table: RuleTable

    @property
    def line(self) -> str:
        """The lines as one: each header is followed by its entries, `[kind.params] embed = []`."""
        pairs = zip(self.lines, (*self.lines[1:], ""), strict=True)
        return "".join(
            line + (" " if line.startswith("[") else "; " if after else "") for line, after in pairs
        )


def change(
    case: Case,
    words: str,
    *,
    mesh: MeshSpec | None = None,
    on_top: RuleTable = NOTHING_ON_TOP,
    drops_pipeline: bool = False,
) -> Change:
    """The table of `case` on `mesh`, with `on_top` composed on it, or without its pipeline."""
    override = replace(on_top, mesh=str(mesh)) if mesh and mesh != case.mesh else on_top
    lines = [line for line in dump_rules(override).splitlines() if line]
    below = case.table
    if drops_pipeline:
        lines.append(f"and no {', '.join(key for key, _ in below.pipeline.entries)}")
        below = replace(below, pipeline=PipelineRules())
    name = f"{case.table.name}, {words}"
    return Change(words, tuple(lines), replace(below | override, name=name))


def given_away(
    case: Case, keep: Mapping[MeshAxis, int], to: MeshAxis, *, across: MeshAxis | None = None
) -> MeshSpec:
    """The mesh on which each axis of `keep` has only so many devices, and `to` has what they gave up.

    Where the target has several slices or nodes, `across` crosses them, by default `to`, if its size allows.
    """
    sizes = case.mesh.shape
    freed = prod(sizes[axis] // kept for axis, kept in keep.items())
    grown = {to: 1} | sizes if to not in sizes else dict(sizes)
    grown |= keep
    grown[to] *= freed
    return arranged(case, grown, across or to)


def arranged(case: Case, sizes: Mapping[MeshAxis, int], across: MeshAxis) -> MeshSpec:
    """A mesh of `sizes` on which `across` crosses the slices or nodes, where there are any and it can."""
    islands = case.target.island_count
    crosses = islands > 1 and sizes.get(across, 1) % islands == 0
    return MeshSpec(tuple(sizes.items()), ((across, islands),) if crosses else (), case.mesh.axis_type)


def uncut(case: Case, kinds: Sequence[Kind], mesh_axes: Sequence[MeshAxis]) -> tuple[Rule, ...]:
    """The rules that keep arrays of `kinds` whole where the table cuts them over `mesh_axes`.

    Each takes the place of the rule that did it: of a path's or a kind's rule its place, else the kind's.
    Gradients and optimizer state inherit what parameters are told.
    """
    rules = []
    for kind, rule, cut in _cuts(case, kinds, mesh_axes):
        scope = rule.scope
        if scope.kind is None:
            scope = replace(scope, kind="params" if "params" in kinds else kind)
        rules.append(Rule(rule.logical_axis, tuple(axis for axis in cut if axis not in mesh_axes), scope))
    return tuple(dict.fromkeys(rules))


def cut_as_before(case: Case, kind: Kind, mesh_axes: Sequence[MeshAxis]) -> tuple[Rule, ...]:
    """The rules that cut arrays of `kind` over `mesh_axes` as the table does, whatever others are told."""
    rules = [
        Rule(rule.logical_axis, cut, replace(rule.scope, kind=kind))
        for _, rule, cut in _cuts(case, [kind], mesh_axes)
    ]
    return tuple(dict.fromkeys(rules))


def widest_axis(case: Case, ways: int) -> LogicalAxis | None:
    """The logical axis by which most bytes of the parameters can be cut into `ways`, every array evenly."""
    total: dict[LogicalAxis, int] = {}
    uneven: set[LogicalAxis] = set()
    for leaf_plan in case.plan.leaves:
        for reason in leaf_plan.resolution.dims:
            name = reason.logical_axis
            if leaf_plan.leaf.kind != "params" or name is None or name in STAGED_AXES:
                continue
            total[name] = total.get(name, 0) + leaf_plan.leaf.bytes
            if (reason.size or 0) % ways:
                uneven.add(name)
    even = {name: count for name, count in total.items() if name not in uneven}
    return max(even, key=lambda name: even[name], default=None)


def _cuts(
    case: Case, kinds: Sequence[Kind], mesh_axes: Sequence[MeshAxis]
) -> Iterator[tuple[Kind, Rule, tuple[MeshAxis, ...]]]:
    """Every dim of arrays of `kinds` that a rule cuts over any of `mesh_axes`: all that it is cut over."""
    for leaf_plan in case.plan.leaves:
        for reason in leaf_plan.resolution.dims:
            is_cut = leaf_plan.leaf.kind in kinds and set(reason.mesh_axes) & set(mesh_axes)
            if reason.rule is not None and is_cut:
                yield leaf_plan.leaf.kind, reason.rule, reason.mesh_axes
