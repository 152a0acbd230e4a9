"""All specs of a program under one table and one mesh."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from axisrules.axes import AxisNames, MeshAxis, PathPattern
from axisrules.diagnostics import Code, Diagnostic, Origin, catalog, raise_errors, shown_value
from axisrules.mesh import MeshSpec
from axisrules.resolve.leaf import Leaf, LeafPlan
from axisrules.resolve.lint import lint_anchors, lint_mesh
from axisrules.resolve.passes import resolve
from axisrules.resolve.resolution import Because, DimReason, Finding, Resolution
from axisrules.resolve.select import RuleIndex, ScopeChain
from axisrules.rules import Kind, RuleTable


@dataclass(frozen=True)
class Plan:
    """Every leaf with its spec, and all that was found on the way, permitted fallbacks included."""

    rules: RuleTable
    mesh: MeshSpec
    leaves: tuple[LeafPlan, ...]
    diagnostics: tuple[Diagnostic, ...]

    @cached_property
    def by_path(self) -> dict[tuple[Kind, str], LeafPlan]:
        """Every leaf by its kind and path."""
        return {(leaf_plan.leaf.kind, leaf_plan.path): leaf_plan for leaf_plan in self.leaves}

    @cached_property
    def rule_index(self) -> RuleIndex:
        """The rules, ready to resolve further arrays such as activations."""
        return RuleIndex(self.rules)

    @cached_property
    def digest(self) -> str:
        """A name for what decides layouts: the rules, the permissions and the mesh, wherever they stand."""
        rules = [replace(rule, origin=Origin("")) for rule in self.rules.rules]
        facts = (rules, self.rules.optional_mesh_axes, sorted(self.rules.policies.items()), self.mesh)
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]

    def bytes_per_device(self, kind: Kind | None = None) -> int:
        """Bytes that one device holds of the arrays of `kind`, or of all."""
        return sum(p.bytes_per_device for p in self.leaves if kind in (None, p.leaf.kind))

    def select(self, pattern: str) -> tuple[LeafPlan, ...]:
        """The leaves whose path matches the glob `pattern`."""
        glob = PathPattern(pattern)
        return tuple(leaf_plan for leaf_plan in self.leaves if glob.matches(leaf_plan.path))


def make_plan(leaves: Iterable[Leaf], rules: RuleTable, mesh: MeshSpec) -> Plan:
    """The plan of `leaves` under `rules` on `mesh`, whose sizes must all be known.

    Raises AxisRulesError with every error found; what the policies permit stays in
    `Plan.diagnostics`.
    """
    plan = survey(leaves, rules, mesh)
    raise_errors(plan.diagnostics)
    return plan


def survey(leaves: Iterable[Leaf], rules: RuleTable, mesh: MeshSpec) -> Plan:
    """Like make_plan, but errors are only recorded: for lint, and to show what is wrong.

    A leaf whose shape is none cannot be laid out: it has a diagnostic and no place in the plan.
    """
    index, sizes = RuleIndex(rules), mesh.shape
    found = [*lint_anchors(rules), *lint_mesh(rules, mesh)]
    memo: dict[object, Resolution] = {}
    affected: dict[int, tuple[Resolution, list[Leaf]]] = {}
    planned = []
    for leaf in leaves:
        problem = _shape_problem(leaf.shape)
        if problem:
            found.append(catalog.BAD_SHAPE.at(subject=f"{leaf.kind}:{leaf.path}", why=problem))
            continue
        chain = index.chain(leaf.kind, leaf.path)
        key = (chain, leaf.logical_axes, leaf.shape)
        resolution = memo.get(key)
        if resolution is None:
            memo[key] = resolution = _resolve_leaf(leaf, index, chain, sizes)
        if resolution.findings:
            affected.setdefault(id(resolution), (resolution, []))[1].append(leaf)
        planned.append(LeafPlan(leaf, resolution))
    for resolution, leaves_of in affected.values():
        found += [_diagnostic(finding, leaves_of, mesh, resolution) for finding in resolution.findings]
    return Plan(rules, mesh, tuple(planned), tuple(found))


def plan_activation(
    plan: Plan, leaf: Leaf, origin: Origin, *, without: frozenset[MeshAxis] = frozenset()
) -> LeafPlan:
    """One more array under the plan's rules, as model code names it at `origin`.

    Mesh axes in `without` count as size 1: they have cut the array already. Raises AxisRulesError
    with the errors found.
    """
    sizes = {axis: 1 if axis in without else size for axis, size in plan.mesh.sizes}
    index = plan.rule_index
    resolution = _resolve_leaf(leaf, index, index.chain(leaf.kind, leaf.path), sizes)
    found = [_diagnostic(finding, [leaf], plan.mesh, resolution) for finding in resolution.findings]
    raise_errors([replace(d, origin=d.origin or origin) for d in found])
    return LeafPlan(leaf, resolution)


def _resolve_leaf(leaf: Leaf, index: RuleIndex, chain: ScopeChain, sizes: dict[MeshAxis, int]) -> Resolution:
    if leaf.logical_axes is None:
        return _unnamed(leaf.shape, index.table)
    return resolve(leaf.logical_axes, index, sizes, shape=leaf.shape, chain=chain)


def _shape_problem(shape: object) -> str:
    if not isinstance(shape, tuple):
        return f"the shape {shown_value(shape)} is a {type(shape).__name__}, not a tuple"
    for size in shape:
        if type(size) is not int or size < 0:  # `True` is an int, and no size.
            return f"the shape {shown_value(shape)} holds {shown_value(size)}; sizes are whole numbers from 0"
    return ""


def _unnamed(shape: tuple[int, ...], table: RuleTable) -> Resolution:
    dims = tuple(DimReason(dim, None, size, (), 1, Because.UNNAMED) for dim, size in enumerate(shape))
    if not shape:
        return Resolution(dims)  # A scalar has no dim to name.
    code: Code = catalog.UNNAMED_ARRAY.under(table.policy("unnamed_array"))
    why = "nothing names its dims, so every device holds all of it"
    return Resolution(dims, (Finding(code, why, "annotate the array with its logical axes"),))


def _diagnostic(finding: Finding, leaves: list[Leaf], mesh: MeshSpec, resolution: Resolution) -> Diagnostic:
    first = leaves[0]
    subject = f"{first.kind}:{first.path}  {_described(first.logical_axes, first.shape)}  on mesh ({mesh})"
    if len(leaves) > 1:
        subject += f", and {len(leaves) - 1} more"
    why = finding.why
    if finding.lost_ways > 1:
        extra = sum(
            bytes_held - bytes_held // finding.lost_ways
            for bytes_held in (LeafPlan(leaf, resolution).bytes_per_device for leaf in leaves)
        )
        why += f"; costs {extra:,} bytes per device"
    origin: Origin | None = finding.rule.origin if finding.rule else None
    return finding.code.at(origin, subject=subject, why=why, fix=finding.fix)


def _described(names: AxisNames | None, shape: tuple[int, ...]) -> str:
    if names is None or len(names) != len(shape):
        return str(shape)
    return "(" + ", ".join(f"{name or '_'}={size}" for name, size in zip(names, shape, strict=True)) + ")"
