"""Annotations that the computation contradicts, with the likeliest culprit first."""

from collections import defaultdict
from collections.abc import Sequence

from axisrules.axes import LogicalAxis
from axisrules.infer.axis_union import Node
from axisrules.infer.given import Given
from axisrules.infer.inference import Contradiction
from axisrules.infer.source import source_of
from axisrules.infer.unify import AxisGraph


def aliases_of(graph: AxisGraph, given: Sequence[Given]) -> tuple[tuple[LogicalAxis, LogicalAxis], ...]:
    """Pairs of names that mean one axis on purpose: one array has both, on dims of one class."""
    by_dim: dict[tuple[object, Node], set[LogicalAxis]] = defaultdict(set)
    for item in given:
        by_dim[item.place, graph.record.axes.find(item.node)].add(item.name)
    pairs = {tuple(sorted(names)) for names in by_dim.values() if len(names) == 2}
    return tuple(sorted((first, second) for first, second in pairs))


def find_contradictions(
    graph: AxisGraph, given: Sequence[Given], hidden: tuple[str, ...]
) -> tuple[Contradiction, ...]:
    """Classes with two names."""
    aliases = set(aliases_of(graph, given))
    by_class: dict[Node, dict[LogicalAxis, list[Given]]] = defaultdict(lambda: defaultdict(list))
    for item in given:
        by_class[graph.record.axes.find(item.node)][item.name].append(item)
    found = []
    for names in by_class.values():
        if len(names) > 1 and tuple(sorted(names)) not in aliases:
            items = [item for rare in sorted(names.values(), key=len) for item in rare]
            primitive, source, scope = source_of(graph.record, -1, hidden)
            suspects = tuple(item.suspect for item in items)
            found.append(Contradiction("two_names", tuple(names), suspects, "", primitive, source, scope))
    return tuple(found)
