"""What can be said of a table without resolving any array."""

from collections.abc import Iterable, Iterator

from axisrules.diagnostics import Diagnostic, catalog, did_you_mean
from axisrules.mesh import MeshSpec
from axisrules.resolve.leaf import Leaf
from axisrules.resolve.select import RuleIndex
from axisrules.rules import Rule, RuleTable


def lint_table(table: RuleTable) -> Iterator[Diagnostic]:
    """Rules that can never win, and rules placed beside one that is not there.

    Emits AXR109 (dead), AXR110 (shadowed) and AXR112 (unknown anchor).
    """
    index = RuleIndex(table)
    for names in index.by_scope.values():
        for alternatives in names.values():
            yield from _lint_alternatives(table, [rule for _, rule in alternatives])
    present = {rule.key for rule in table.rules}
    for rule in table.rules:
        anchor = rule.before or rule.after
        if anchor and (rule.scope, anchor) not in present:
            names_there = [name for scope, name in present if scope == rule.scope]
            why = f"`{rule.logical_axis}` is placed beside `{anchor}`, which has no rule in this scope"
            fix = did_you_mean(anchor, names_there)
            yield catalog.UNKNOWN_ANCHOR.at(rule.origin, why=why, fix=fix)


def lint_mesh(table: RuleTable, mesh: MeshSpec) -> Iterator[Diagnostic]:
    """Rules and mesh held against each other: AXR206 (unknown mesh axis) and AXR207 (unused)."""
    known, optional = set(mesh.shape), set(table.optional_mesh_axes)
    code = catalog.UNKNOWN_MESH_AXIS.under(table.policy("unknown_mesh_axis"))
    seen: set[str] = set()
    for rule in table.rules:
        for axis in rule.mesh_axes:
            if axis in known or axis in optional or axis in seen:
                continue
            seen.add(axis)
            why = f"the mesh ({mesh}) has no axis `{axis}`"
            fix = f"{did_you_mean(axis, known)} Or list it in optional_mesh_axes"
            yield code.at(rule.origin, why=why, fix=fix)
    code = catalog.UNUSED_MESH_AXIS.under(table.policy("unused_mesh_axis"))
    named = set(table.mesh_axes)
    for axis, size in mesh.sizes:
        if axis not in named and size > 1:
            why = f"`{axis}` has {size} devices, which hold copies of everything"
            yield code.at(subject=f"mesh ({mesh})", why=why, fix=f'map a logical axis to "{axis}"')


def lint_program(table: RuleTable, leaves: Iterable[Leaf]) -> Iterator[Diagnostic]:
    """Rules that no array of a program asks for: one AXR109 (a note) for all, AXR310 for each pattern.

    A table may well serve more models than this one, so a name that this one lacks is no mistake.
    """
    index = RuleIndex(table)
    asked, reached = set(), set()
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
    seen: dict[frozenset[str], Rule] = {}
    for rule in rules:
        axes = frozenset(rule.mesh_axes)
        if ended:
            why = f"`{rule.logical_axis}` is replicated on purpose by {ended.origin}, so this is never tried"
            yield dead.at(rule.origin, why=why, fix="remove it, or put it above the []")
        elif axes in seen and not rule.partial:
            why = f"{seen[axes].origin} tries the same mesh axes first: where it loses, this loses too"
            yield shadowed.at(rule.origin, why=why, fix="remove it, or give it other mesh axes")
        elif blocker := _fewer(seen, axes) if not rule.partial else None:
            why = f"{blocker.origin} needs only some of these mesh axes: where it loses, this loses too"
            yield shadowed.at(rule.origin, why=why, fix="put it above, or remove it")
        if not axes:
            ended = ended or rule
        seen.setdefault(axes, rule)


def _fewer(seen: dict[frozenset[str], Rule], axes: frozenset[str]) -> Rule | None:
    """An earlier rule over a strict subset of `axes`, if there are few enough to look through."""
    return next((rule for earlier, rule in list(seen.items())[:64] if earlier < axes), None)
