"""What can be said of a table without resolving any array."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from axisrules.axes import LogicalAxis, MeshAxis
from axisrules.diagnostics import AxisRulesError, Diagnostic, Origin, catalog, did_you_mean
from axisrules.mesh import WILDCARD, MeshSpec, parse_mesh
from axisrules.resolve.leaf import Leaf
from axisrules.resolve.select import RuleIndex
from axisrules.rules import STAGED_AXES, Rule, RuleTable, Scope

Key = tuple[Scope, LogicalAxis]


def lint_table(table: RuleTable) -> Iterator[Diagnostic]:
    """Rules that can never win, places that are none, and a mesh of the table's own that is none.

    Emits AXR109 (dead), AXR110 (shadowed), AXR112 (no such place) and what parse_mesh finds.
    """
    index = RuleIndex(table)
    for names in index.by_scope.values():
        for alternatives in names.values():
            yield from _lint_alternatives(table, [rule for _, rule in alternatives])
    yield from lint_anchors(table)
    if table.mesh:
        try:
            parse_mesh(table.mesh)
        except AxisRulesError as error:
            file = Origin(table.rules[0].origin.file) if table.rules else None
            yield from (replace(found, origin=file) for found in error.diagnostics)


def lint_anchors(table: RuleTable) -> Iterator[Diagnostic]:
    """Rules placed beside one that is not there, or in a circle: AXR112."""
    beside = {rule.key: (rule.scope, anchor) for rule in table.rules if (anchor := rule.before or rule.after)}
    if not beside:
        return
    present = {rule.key for rule in table.rules}
    circular = _circular(beside)
    for rule in table.rules:
        anchor = rule.before or rule.after
        if not anchor:
            continue
        if (rule.scope, anchor) not in present:
            why = f"`{rule.logical_axis}` is placed beside `{anchor}`, which has no rule in this scope"
            names_there = [name for scope, name in present if scope == rule.scope]
            yield catalog.UNKNOWN_ANCHOR.at(rule.origin, why=why, fix=did_you_mean(anchor, names_there))
        elif rule.key in circular:
            why = f"`{rule.logical_axis}` is placed beside `{anchor}`, whose own place depends on it"
            yield catalog.UNKNOWN_ANCHOR.at(rule.origin, why=why, fix="let one of them stand on its own")


def _circular(beside: dict[Key, Key]) -> set[Key]:
    """The keys from which following neighbours never ends."""
    ends, circular = set[Key](), set[Key]()
    for start in beside:
        trail: dict[Key, None] = {}
        key = start
        while key in beside and key not in trail and key not in ends and key not in circular:
            trail[key] = None
            key = beside[key]
        (circular if key in trail or key in circular else ends).update(trail)
    return circular


def lint_mesh(table: RuleTable, mesh: MeshSpec) -> Iterator[Diagnostic]:
    """Rules and mesh held against each other: AXR206 (unknown mesh axis) and AXR207 (unused)."""
    known, optional = set(mesh.shape), set(table.optional_mesh_axes)
    code = catalog.UNKNOWN_MESH_AXIS.under(table.policy("unknown_mesh_axis"))
    seen: set[str] = set()
    for rule in table.rules:
        for mesh_axis in rule.mesh_axes:
            if mesh_axis in known or mesh_axis in optional or mesh_axis in seen:
                continue
            seen.add(mesh_axis)
            why = f"the mesh ({mesh}) has no axis `{mesh_axis}`"
            fix = did_you_mean(mesh_axis, known, f"list `{mesh_axis}` in optional_mesh_axes")
            yield code.at(rule.origin, why=why, fix=fix)
    code = catalog.UNUSED_MESH_AXIS.under(table.policy("unused_mesh_axis"))
    named = set(table.mesh_axes)
    for mesh_axis, size in mesh.sizes:
        if mesh_axis not in named and size != 1:
            count = "several" if size == WILDCARD else size
            why = f"no rule names `{mesh_axis}`, so its {count} devices hold copies of everything"
            fix = f'map a logical axis to "{mesh_axis}", or leave it out of the mesh'
            yield code.at(subject=f"mesh ({mesh})", why=why, fix=fix)


def lint_program(table: RuleTable, leaves: Iterable[Leaf]) -> Iterator[Diagnostic]:
    """Rules that no array of a program asks for: one AXR109 (a note) for all, AXR310 for each pattern.

    A table may well serve more models than this one, so a name that this one lacks is no mistake.
    """
    index = RuleIndex(table)
    asked, reached = set[Key](), set[Scope]()
    for kind, path, names in {(leaf.kind, leaf.path, leaf.logical_axes or ()) for leaf in leaves}:
        chain = index.chain(kind, path)
        reached.update(chain)
        for name in filter(None, names):
            asked.update((rule.scope, name) for _, rule in index.group(chain, name)[:1])
    lost = [scope for scope in index.path_scopes if scope not in reached]
    for scope in lost:
        rule = next(rule for rule in table.rules if rule.scope == scope)
        why = f"no array of the program has a path that `{scope}` matches"
        yield catalog.PATTERN_MATCHES_NOTHING.at(rule.origin, why=why, fix="mend the pattern, or remove it")
    if table.pipeline.schedule:  # layers in a list name no dim, and are cut into stages all the same
        asked |= {rule.key for rule in table.rules if rule.logical_axis in STAGED_AXES}
    idle = [rule for rule in table.rules if rule.key not in asked and rule.scope not in lost]
    if idle:
        names_of = ", ".join(dict.fromkeys(f"`{rule.logical_axis}`{_where(rule)}" for rule in idle))
        why = f"no array of the program asks for {names_of}"
        yield catalog.DEAD_RULE.under("allow").at(idle[0].origin, why=why)


def _where(rule: Rule) -> str:
    return f" in {rule.scope}" if str(rule.scope) else ""


def _lint_alternatives(table: RuleTable, rules: list[Rule]) -> Iterator[Diagnostic]:
    dead = catalog.DEAD_RULE.under(table.policy("dead_rule"))
    shadowed = catalog.SHADOWED_RULE.under(table.policy("shadowed_rule"))
    ended: Rule | None = None
    earlier: dict[frozenset[MeshAxis], Rule] = {}
    for rule in rules:
        mesh_axes = frozenset(rule.mesh_axes)
        if ended:
            why = f"`{rule.logical_axis}` is replicated on purpose by {ended.origin}, so this is never tried"
            yield dead.at(rule.origin, why=why, fix="remove it, or put it above the []")
        elif blocker := _blocker(rule, mesh_axes, earlier):
            how = "the same" if frozenset(blocker.mesh_axes) == mesh_axes else "only some"
            why = f"{blocker.origin} asks for {how} of these mesh axes first: where it loses, this loses too"
            yield shadowed.at(rule.origin, why=why, fix="remove it, put it above, or give it other mesh axes")
        if not mesh_axes:
            ended = ended or rule
        earlier.setdefault(mesh_axes, rule)


def _blocker(
    rule: Rule, mesh_axes: frozenset[MeshAxis], earlier: dict[frozenset[MeshAxis], Rule]
) -> Rule | None:
    """An earlier alternative that loses only where `rule` loses too; 64 of them are looked through."""
    if rule.partial:
        return None
    for fewer, other in islice(earlier.items(), 64):
        # After an uneven `next`, a rule that makes do with an uneven dim has its use.
        is_last_resort = other.uneven == "next" and rule.uneven != "next"
        if fewer <= mesh_axes and not is_last_resort:
            return other
    return None
