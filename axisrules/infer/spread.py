"""Names spread from class to class: over weak links, and between a product and its major factor."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from axisrules.axes import LogicalAxis
from axisrules.infer.axis_union import Node
from axisrules.infer.record import Record, WeakKind

Names = dict[Node, LogicalAxis]

# The links by which a parameter may get a name: a cut or a window proves too little for it.
FOR_PARAMS: frozenset[WeakKind] = frozenset({"multiple", "template"})
ALL_KINDS: frozenset[WeakKind] = FOR_PARAMS | {"part", "unit"}


@dataclass(frozen=True, slots=True)
class _Offer:
    """A name on its way, and the size that it had where it came from."""

    name: LogicalAxis
    size: int


def spread_weakly(record: Record, named: Mapping[Node, LogicalAxis], in_params: Collection[Node]) -> Names:
    """Names for classes without one, from their nearest named neighbours, where these agree.

    A class whose nearest neighbours disagree gets none, and passes none on. A name stays with the sizes
    that divide the one it came from, or are divided by it: past a padded dim it may come back to its own.
    Keys are the nodes that stand for their class, as in `in_params`, the classes that parameters have.
    """
    sure = _spread(record, named, weak_neighbours(record, FOR_PARAMS))
    found = {node: name for node, name in sure.items() if node in in_params}
    others = _spread(record, {**named, **found}, weak_neighbours(record, ALL_KINDS))
    return {**{node: name for node, name in others.items() if node not in in_params}, **found}


def _spread(record: Record, named: Mapping[Node, LogicalAxis], neighbours: Mapping[Node, set[Node]]) -> Names:
    found: Names = {}
    frontier = {node: _Offer(name, record.size(node)) for node, name in named.items()}
    settled = set(named)
    while frontier:
        offers: dict[Node, set[_Offer]] = defaultdict(set)
        for node, offer in frontier.items():
            for other in neighbours.get(node, set()) - settled:
                offers[other].add(offer)
        settled.update(offers)
        frontier = {
            node: min(made, key=lambda offer: offer.size) for node, made in offers.items() if _agree(made)
        }
        for node, offer in frontier.items():
            small, large = sorted((offer.size, record.size(node)))
            if small == large or (small and large % small == 0):
                found[node] = offer.name
    return found


def _agree(offers: set[_Offer]) -> bool:
    return len({offer.name for offer in offers}) == 1


def weak_neighbours(record: Record, kinds: Collection[WeakKind] = ALL_KINDS) -> dict[Node, set[Node]]:
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
        if link.kind in kinds:
            join(find(link.first), find(link.second))
    for product in record.axes.products():
        join(product, record.axes.factors(product)[0])
    return neighbours
