"""The heart: logical axes, a shape, rules and a mesh in; a spec and its reasons out.

Four passes, in this order: names are checked, rules are selected, rules are tried in turn,
and what no rule settled is explained.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from axisrules.axes import LogicalAxis, MeshAxis
from axisrules.diagnostics import Code, Policy, catalog, did_you_mean
from axisrules.resolve.resolution import Because, DimReason, Finding, Rejection, Resolution
from axisrules.resolve.select import RuleIndex, ScopeChain
from axisrules.rules import STAGED_AXES, Rule, RuleTable
from axisrules.schedules import even_split


def resolve(
    names: Sequence[str | None],
    rules: RuleIndex,
    mesh: Mapping[MeshAxis, int] | None = None,
    *,
    shape: Sequence[int] | None = None,
    chain: ScopeChain | None = None,
) -> Resolution:
    """The spec of an array with logical axes `names`, every dim with its reason.

    `mesh` gives the size of each mesh axis; without it every mesh axis counts as two devices. Splits are
    checked where both `mesh` and `shape` are given: without them the answer depends on names alone.
    Findings carry AXR301 to AXR304, AXR401 and AXR402.
    """
    rank = len(names) if shape is None else len(shape)
    task = _Task(_named(names), shape, mesh, rules.table)
    task.check_rank(rank)
    task.check_repeats()
    chain = rules.chain(None, "") if chain is None else chain
    wanted = [name for dim, name in enumerate(task.names) if name and task.dim_of[name] == dim]
    task.try_rules(rules.candidates(chain, wanted))
    return Resolution(tuple(task.reason(dim, rules) for dim in range(len(task.names))), tuple(task.findings))


def _named(names: Sequence[str | None]) -> list[LogicalAxis | None]:
    return [None if name is None else LogicalAxis(name) for name in names]


@dataclass(slots=True)
class _Task:
    """One array on its way through the passes."""

    names: list[LogicalAxis | None]
    shape: Sequence[int] | None
    mesh: Mapping[MeshAxis, int] | None
    table: RuleTable
    dim_of: dict[LogicalAxis, int] = field(default_factory=dict)
    holder: dict[MeshAxis, int] = field(default_factory=dict)
    won: dict[int, DimReason] = field(default_factory=dict)
    rejected: dict[int, list[Rejection]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def check_rank(self, rank: int) -> None:
        """Names and dims must match in number; a permitted mismatch pads or cuts the names."""
        if len(self.names) != rank:
            why = f"{len(self.names)} names ({_listed(self.names)}) for {rank} dims {tuple(self.shape or ())}"
            fix = f"give {rank} names; `_` or None leaves a dim unnamed"
            if len(self.names) < rank:
                fix += "; a dim that scan or vmap stacked gets its name from Flax's partition_name metadata"
            self.find("rank_mismatch", catalog.RANK_MISMATCH, why, fix)
            self.names = (self.names + [None] * rank)[:rank]

    def check_repeats(self) -> None:
        """A name means one dim; a permitted second one stays whole."""
        for dim, name in enumerate(self.names):
            if name is None:
                continue
            if name in self.dim_of:
                why = f"`{name}` names dim {self.dim_of[name]} and dim {dim} of ({_listed(self.names)})"
                fix = "give one of them a name of its own"
                self.find("repeated_logical_axis", catalog.REPEATED_LOGICAL_AXIS, why, fix)
            else:
                self.dim_of[name] = dim

    def try_rules(self, candidates: Sequence[Rule]) -> None:
        """Each rule in turn: the first whose mesh axes are free and divide the dim wins it."""
        for rule in candidates:
            dim = self.dim_of[rule.logical_axis]
            if dim in self.won:
                self.reject(dim, Rejection(rule, Because.NOT_REACHED))
                continue
            taken = [axis for axis in rule.mesh_axes if axis in self.holder]
            free = tuple(axis for axis in rule.mesh_axes if axis not in self.holder)
            if taken and not (rule.partial and free):
                other = self.holder[taken[0]]
                detail = f"`{taken[0]}` went to dim {other} (`{self.names[other]}`) before"
                self.reject(dim, Rejection(rule, Because.COLLISION, detail))
                continue
            self.split(dim, rule, free, Because.PARTIAL if taken else Because.RULE)
            if taken and dim in self.won:
                self.find_collision(dim, rule, taken, "allow")

    def split(self, dim: int, rule: Rule, free: tuple[MeshAxis, ...], because: Because) -> None:
        """Cut `dim` over `free` if the ways divide it, or do what the table says of uneven splits."""
        present = tuple(axis for axis in free if self.size(axis) > 1)
        size = self.size_of(dim)
        ways = self.ways(present)
        if size is None or self.mesh is None or size % ways == 0:
            if not rule.mesh_axes:
                because = Because.REPLICATED
            elif self.mesh is not None and not present:
                because = Because.ONE_WAY
            self.win(dim, rule, free, present, because)
            return
        detail = f"{size} is not a multiple of {ways} ({_product(present, self.size)})"
        if rule.uneven == "next":
            self.reject(dim, Rejection(rule, Because.UNEVEN, detail))
            return
        kept = _longest_even_prefix(present, size, self.size) if rule.uneven == "prefix" else ()
        self.win(dim, rule, kept, kept, Because.PREFIX if kept else Because.UNEVEN, detail)
        policy = "allow" if rule.uneven else self.table.policy("uneven_split", rule)
        why = f"dim {dim} (`{rule.logical_axis}`): {detail}"
        fix = self.uneven_fix(rule, size, ways)
        code = catalog.UNEVEN_SPLIT.under(policy)
        self.findings.append(Finding(code, why, fix, rule, ways // self.ways(kept)))

    def uneven_fix(self, rule: Rule, size: int, ways: int) -> str:
        """How to mend an uneven split; stages of a pipeline may have different numbers of layers."""
        if rule.logical_axis not in STAGED_AXES or not self.table.pipeline.schedule:
            return 'resize the dim or the mesh, or permit it: { mesh = ..., uneven = "replicate" }'
        if size < ways:
            return f"use fewer stages: there are {size} layers for {ways}"
        split = list(even_split([1.0] * size, ways).counts)
        permitted = f'{rule.logical_axis} = {{ mesh = "{rule.target}", uneven = "replicate" }}'
        where = "; weights that are too large to be whole go by another dim, under kind.params"
        return f"permit it, {permitted}, and say how many layers each stage has: split = {split}{where}"

    def win(
        self,
        dim: int,
        rule: Rule,
        held: tuple[MeshAxis, ...],
        used: tuple[MeshAxis, ...],
        because: Because,
        detail: str = "",
    ) -> None:
        # Mesh axes of size 1 are held too: which rule wins must not depend on sizes.
        for axis in held:
            self.holder[axis] = dim
        if detail:
            self.reject(dim, Rejection(rule, Because.UNEVEN, detail))
        used = used if self.mesh is not None else held
        self.won[dim] = DimReason(
            dim, self.names[dim], self.size_of(dim), used, self.ways(used), because, rule
        )

    def reject(self, dim: int, rejection: Rejection) -> None:
        self.rejected.setdefault(dim, []).append(rejection)

    def reason(self, dim: int, rules: RuleIndex) -> DimReason:
        """The recorded reason of `dim`; one that no rule won is explained here."""
        rejected = tuple(self.rejected.get(dim, ()))
        if dim in self.won:
            return replace(self.won[dim], rejected=rejected)
        because = self.unsettled(dim, rules)
        return DimReason(dim, self.names[dim], self.size_of(dim), (), 1, because, None, rejected)

    def unsettled(self, dim: int, rules: RuleIndex) -> Because:
        name = self.names[dim]
        if name is None:
            return Because.UNNAMED
        if self.dim_of[name] != dim:
            return Because.REPEATED
        lost = self.rejected.get(dim)
        if not lost:
            self.find_unknown(dim, name, rules)
            return Because.NO_RULE
        # What a rule over mesh axes of size 1 loses is nothing.
        costly = [loser for loser in lost if self.mesh is None or self.ways(loser.rule.mesh_axes) > 1]
        for loser in costly:
            if loser.because is Because.COLLISION:
                policy = self.table.policy("collision", loser.rule)
                self.find_collision(dim, loser.rule, loser.rule.mesh_axes, policy)
                return Because.COLLISION
        if not costly:
            return Because.COLLISION
        first = costly[0]
        why = f"dim {dim} (`{name}`): {first.detail}, and no alternative is left"
        fix = "add an alternative that divides the dim, or [] to replicate it on purpose"
        lost_ways = self.ways(first.rule.mesh_axes)
        self.find("uneven_split", catalog.UNEVEN_SPLIT, why, fix, first.rule, lost_ways)
        return Because.UNEVEN

    def find_collision(self, dim: int, rule: Rule, lost: Sequence[MeshAxis], policy: Policy) -> None:
        """Report that `rule` goes without the mesh axes `lost`, of which another dim holds at least one."""
        lost_ways = self.ways(lost)
        if lost_ways == 1:
            return  # The layout is the one that the table asks for.
        taken = next(axis for axis in lost if axis in self.holder)
        other = self.holder[taken]
        why = (
            f"`{self.names[other]}` (dim {other}) took `{taken}` first, and `{rule.logical_axis}`"
            f" (dim {dim}) of ({_listed(self.names)}) asks for it too; an array can use a mesh axis once"
        )
        fix = f"put `{rule.logical_axis}` above, give it another mesh axis, or end its list with []"
        self.findings.append(Finding(catalog.COLLISION.under(policy), why, fix, rule, lost_ways))

    def find_unknown(self, dim: int, name: LogicalAxis, rules: RuleIndex) -> None:
        if MeshAxis(name) in (self.mesh or ()):
            why = f"dim {dim} is named `{name}`, which is a mesh axis, and no rule maps it"
            fix = f'annotate with a logical axis, or add the rule {name} = "{name}"'
            self.find("unknown_logical_axis", catalog.LOGICAL_IS_MESH_AXIS, why, fix)
            return
        why = f"dim {dim} is named `{name}`, and no rule names it for this array"
        fix = did_you_mean(
            name, rules.some_logical_axes, f"add a rule; `{name} = []` replicates it on purpose"
        )
        self.find("unknown_logical_axis", catalog.UNKNOWN_LOGICAL_AXIS, why, fix)

    def find(
        self,
        policy: str,
        code: Code,
        why: str,
        fix: str,
        rule: Rule | None = None,
        lost_ways: int = 1,
    ) -> None:
        code = code.under(self.table.policy(policy, rule))
        self.findings.append(Finding(code, why, fix, rule, lost_ways))

    def size_of(self, dim: int) -> int | None:
        return None if self.shape is None else self.shape[dim]

    def size(self, mesh_axis: MeshAxis) -> int:
        return 2 if self.mesh is None else self.mesh.get(mesh_axis, 1)

    def ways(self, mesh_axes: Sequence[MeshAxis]) -> int:
        return math.prod(self.size(axis) for axis in mesh_axes)


def _longest_even_prefix(
    axes: tuple[MeshAxis, ...], size: int, size_of: Callable[[MeshAxis], int]
) -> tuple[MeshAxis, ...]:
    ways, kept = 1, 0
    for axis in axes:
        ways *= size_of(axis)
        if size % ways:
            break
        kept += 1
    return axes[:kept]


def _product(axes: tuple[MeshAxis, ...], size_of: Callable[[MeshAxis], int]) -> str:
    return " x ".join(f"{axis}={size_of(axis)}" for axis in axes)


def _listed(names: Sequence[str | None]) -> str:
    return ", ".join("_" if name is None else name for name in names)
