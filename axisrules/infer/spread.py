"""Names spread from class to class: over weak links, and between a product and its major factor."""

from collections import defaultdict
from collections.abc import Mapping

from axisrules.axes import LogicalAxis
from axisrules.infer.axis_union import Node
from axisrules.infer.record import Record

Names = dict[Node, LogicalAxis]


def spread_weakly(record: Record, named: Mapping[Node, LogicalAxis]) -> Names:
    """Names for classes without one, from their nearest named neighbours, where these agree.

    A class whose nearest neighbours disagree stays without a name, and passes none on. Keys are the
    nodes that stand for their class.
    """
    neighbours = weak_neighbours(record)
    found: Names = {}
    frontier: Mapping[Node, LogicalAxis] = named
    settled = set(named)
    while frontier:
        offers = _offers(frontier, neighbours, settled)
        settled.update(offers)
        frontier = {node: names.pop() for node, names in offers.items() if len(names) == 1}
        found.update(frontier)
    return found


def _offers(
    frontier: Mapping[Node, LogicalAxis], neighbours: Mapping[Node, set[Node]], settled: set[Node]
) -> dict[Node, set[LogicalAxis]]:
    """The names that the classes just named hold out to their neighbours without one."""
    offers: dict[Node, set[LogicalAxis]] = defaultdict(set)
    for node, name in frontier.items():
        for other in neighbours.get(node, set()) - settled:
            offers[other].add(name)
    return offers


def weak_neighbours(record: Record) -> dict[Node, set[Node]]:
    """Classes that hang together without being one: by weak links, and products by their major factor.

    A dim cut over the mesh is cut along its major factor, so that both may carry one name.
    """
    find = record.axes.find
    neighbours: dict[Node, set[Node]] = defaultdict(set)

    def join(first: Node, second: Node) -> None:
        if first != second:
            neighbours[first].add(second)
            neighbours[second].add(first)

    for link in record.weak:
        join(find(link.first), find(link.second))
    for product in record.axes.products():
        join(product, find(record.axes.atoms(product)[0]))
        join(product, record.axes.factors(product)[0])
    return neighbours
