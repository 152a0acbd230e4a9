"""Names spread from class to class: over weak links, and between a product and its major factor."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from axisrules.axes import LogicalAxis
from axisrules.infer.axis_union import Node
from axisrules.infer.record import Record, WeakKind

Names = dict[Node, LogicalAxis]

# The links by which a parameter may get a name: a cut or a window proves too little for it.
FOR_PARAMS: frozenset[WeakKind] = frozenset({"multiple"})
ALL_KINDS: frozenset[WeakKind] = FOR_PARAMS | {"part", "unit"}


@dataclass(frozen=True, slots=True)
class _Offer:
    """A name on its way: the size it had where it came from, and whether it passed to or from a product."""

    name: LogicalAxis
    size: int
    passed_product: bool = False


def spread_weakly(
    record: Record, named: Mapping[Node, LogicalAxis], in_params: Collection[Node], sources: Collection[Node]
) -> tuple[Names, Names]:
    """Names for classes without one, from their nearest named neighbours, where these agree.

    The first result is for classes that parameters have, `in_params`: their names come from `sources` alone.
    The second is for all others. A class whose nearest neighbours disagree gets none, and passes none on. A
    name stays with the sizes that divide the one it came from, or are divided by it: past a padded dim it
    may come back to its own. Keys are the nodes that stand for their class.
    """
    known = {node: name for node, name in named.items() if node in sources}
    to_params = _spread(record, known, set(named), FOR_PARAMS)
    params = {node: name for node, name in to_params.items() if node in in_params}
    others = _spread(record, {**named, **params}, set(), ALL_KINDS)
    return params, {node: name for node, name in others.items() if node not in in_params}


def _spread(
    record: Record, named: Mapping[Node, LogicalAxis], taken: set[Node], kinds: Collection[WeakKind]
) -> Names:
    weak, products = weak_neighbours(record, kinds), product_neighbours(record)
    found: Names = {}
    frontier = {node: _Offer(name, record.size(node)) for node, name in named.items()}
    settled = set(named) | taken
    while frontier:
        offers: dict[Node, set[_Offer]] = defaultdict(set)
        for node, offer in frontier.items():
            for other in weak.get(node, set()) - settled:
                offers[other].add(offer)
            if not offer.passed_product:
                _offer_past_products(
                    offers, _Offer(offer.name, offer.size, True), products.get(node, set()) - settled
                )
        settled.update(offers)
        frontier = {node: min(made, key=_rank) for node, made in offers.items() if _agree(made)}
        found.update(
            {node: offer.name for node, offer in frontier.items() if _fits(record.size(node), offer.size)}
        )
    return found


def _offer_past_products(offers: dict[Node, set[_Offer]], offer: _Offer, others: Collection[Node]) -> None:
    for other in others:
        offers[other].add(offer)


def _rank(offer: _Offer) -> tuple[bool, int]:
    return offer.passed_product, offer.size


def _agree(offers: set[_Offer]) -> bool:
    return len({offer.name for offer in offers}) == 1


def _fits(size: int, origin: int) -> bool:
    small, large = sorted((size, origin))
    return small == large or (small > 0 and large % small == 0)


def weak_neighbours(record: Record, kinds: Collection[WeakKind] = ALL_KINDS) -> dict[Node, set[Node]]:
    """Classes that have to do with one another without being one, by weak links of these kinds."""
    find = record.axes.find
    return _symmetric([(find(link.first), find(link.second)) for link in record.weak if link.kind in kinds])


def product_neighbours(record: Record) -> dict[Node, set[Node]]:
    """Products and their major factors.

    A dim cut over the mesh is cut along its major factor, so that both may carry one name.
    """
    return _symmetric([(product, record.axes.factors(product)[0]) for product in record.axes.products()])


def _symmetric(pairs: Collection[tuple[Node, Node]]) -> dict[Node, set[Node]]:
    neighbours: dict[Node, set[Node]] = defaultdict(set)
    for first, second in pairs:
        if first != second:
            neighbours[first].add(second)
            neighbours[second].add(first)
    return neighbours
