"""Layers of rules folded into one order: a later layer wins, positions stay.

Folding looks at all layers at once, so composing tables is associative by construction.
"""

from collections.abc import Iterable

from axisrules.axes import LogicalAxis
from axisrules.rules.rule import Rule, Scope

Key = tuple[Scope, LogicalAxis]


def flatten(layers: tuple[tuple[Rule, ...], ...]) -> tuple[Rule, ...]:
    """The rules in force: each name of a scope comes from the last layer that has it.

    A replaced group takes the place where its name first stood; a group that only one layer
    has keeps its own order, interleaved with others where that layer says so.
    """
    owner: dict[Key, int] = {}
    first_seen: dict[Key, int] = {}
    for number, layer in enumerate(layers):
        for rule in layer:
            owner[rule.key] = number
            first_seen.setdefault(rule.key, number)
    groups: dict[Key, list[Rule]] = {}
    for number, layer in enumerate(layers):
        for rule in layer:
            if owner[rule.key] == number:
                groups.setdefault(rule.key, []).append(rule)
    ordered = list(_in_first_position(layers, owner, first_seen, groups))
    return tuple(_by_scope(_anchored(ordered, groups)))


def _by_scope(rules: list[Rule]) -> Iterable[Rule]:
    """The base table first, then kinds, then paths: the order in which a file shows them."""
    scopes: dict[Scope, list[Rule]] = {}
    for rule in rules:
        scopes.setdefault(rule.scope, []).append(rule)
    for scope in sorted(scopes, key=_place_in_file):
        yield from scopes[scope]


def _place_in_file(scope: Scope) -> int:
    if scope.path is not None:
        return 2
    return 0 if scope.kind is None else 1


def _in_first_position(
    layers: tuple[tuple[Rule, ...], ...],
    owner: dict[Key, int],
    first_seen: dict[Key, int],
    groups: dict[Key, list[Rule]],
) -> Iterable[Rule]:
    placed: set[Key] = set()
    for number, layer in enumerate(layers):
        for rule in layer:
            if first_seen[rule.key] != number:
                continue
            if owner[rule.key] == number:
                yield rule
            elif rule.key not in placed:
                placed.add(rule.key)
                yield from groups[rule.key]


def _anchored(ordered: list[Rule], groups: dict[Key, list[Rule]]) -> list[Rule]:
    """Move each group that names a neighbour beside it; an unknown neighbour moves nothing."""
    anchored = {key: rule for key, group in groups.items() if (rule := _anchored_rule(group))}
    anchors = {key: anchor for key, rule in anchored.items() if (anchor := _anchor(rule)) in groups}
    if not anchors:
        return ordered
    before: dict[Key, list[Key]] = {}
    after: dict[Key, list[Key]] = {}
    for key, anchor in anchors.items():
        (before if anchored[key].before else after).setdefault(anchor, []).append(key)

    placed: list[Rule] = []
    left = {key: len(group) for key, group in groups.items()}
    for rule in ordered:
        if rule.key in anchors:
            continue
        if left[rule.key] == len(groups[rule.key]):
            for key in before.get(rule.key, ()):
                placed += _expanded(key, groups, before, after)
        placed.append(rule)
        left[rule.key] -= 1
        if not left[rule.key]:
            for key in after.get(rule.key, ()):
                placed += _expanded(key, groups, before, after)
    # Rules that name each other as neighbours stay where they were written: last.
    reached = {rule.key for rule in placed}
    return placed + [rule for rule in ordered if rule.key not in reached]


def _anchored_rule(group: list[Rule]) -> Rule | None:
    """The first of the alternatives that names a neighbour: all of them move with it."""
    return next((rule for rule in group if rule.before or rule.after), None)


def _anchor(rule: Rule) -> Key | None:
    neighbour = rule.before or rule.after
    return None if neighbour in (None, rule.logical_axis) else (rule.scope, neighbour)


def _expanded(
    root: Key,
    groups: dict[Key, list[Rule]],
    before: dict[Key, list[Key]],
    after: dict[Key, list[Key]],
) -> Iterable[Rule]:
    """A moved group with all that is placed beside it, without recursion: chains may be long."""
    stack: list[tuple[Key, bool]] = [(root, False)]
    while stack:
        key, opened = stack.pop()
        if opened:
            yield from groups[key]
            continue
        stack += [(child, False) for child in reversed(after.get(key, []))]
        stack.append((key, True))
        stack += [(child, False) for child in reversed(before.get(key, []))]
