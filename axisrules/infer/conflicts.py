"""Annotations that the computation contradicts, with the likeliest culprit first.

An axis has one name. Where it was given two, the rarer one is suspected first, and of two as rare the one
that is at home on another axis. A name has one axis: where one array has it twice on different axes, or
where it stands on a single array with another size than everywhere else, that array is suspected.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from axisrules.axes import LogicalAxis
from axisrules.infer.axis_union import Node
from axisrules.infer.given import Given
from axisrules.infer.inference import Contradiction
from axisrules.infer.proof import Meeting, Proofs
from axisrules.infer.record import Record
from axisrules.infer.spread import product_neighbours, weak_neighbours
from axisrules.infer.unify import AxisGraph

Alias = tuple[LogicalAxis, LogicalAxis]
_NUMBER = re.compile(r"\d+")


def aliases_of(graph: AxisGraph, given: Sequence[Given]) -> tuple[Alias, ...]:
    """Pairs of names, each in alphabetic order, that mean one axis on purpose.

    Either one array has both, on dims that the computation makes one axis, as a mask has seq and kv_seq;
    or each stands on two arrays or more of this axis, and on no other, as norm beside embed.
    """
    find = graph.record.axes.find
    within: dict[tuple[object, Node], set[LogicalAxis]] = defaultdict(set)
    homes: dict[LogicalAxis, dict[Node, set[str]]] = defaultdict(lambda: defaultdict(set))
    for item in given:
        root = find(item.node)
        within[item.place, root].add(item.name)
        homes[item.name][root].add(_template(item))
    pairs = {
        pair
        for (_, root), names in within.items()
        for pair in combinations(sorted(name for name in names if _is_at_home(homes[name], root)), 2)
    }
    steady: dict[Node, list[LogicalAxis]] = defaultdict(list)
    for name, roots in homes.items():
        for root, templates in roots.items():
            if len(roots) == 1 and len(templates) > 1:
                steady[root].append(name)
    pairs |= {pair for names in steady.values() for pair in combinations(sorted(names), 2)}
    return tuple(sorted(pairs))


def _is_at_home(homes: dict[Node, set[str]], root: Node) -> bool:
    """Whether a name stands on no other axis more often than on this one."""
    return len(homes[root]) == max(map(len, homes.values()))


def _template(item: Given) -> str:
    """The path with its numbers left open: layers of one make count once."""
    return f"{item.place.kind}:{_NUMBER.sub('#', item.place.path)}"


def find_contradictions(
    graph: AxisGraph, given: Sequence[Given], hidden: tuple[str, ...]
) -> tuple[Contradiction, ...]:
    """Axes with two names first, then names with two axes that nothing else accounts for."""
    search = _Search(graph.record, given, set(aliases_of(graph, given)), hidden)
    two_names = [found for root in search.classes for found in search.two_names(root)]
    told = {suspect for found in two_names for suspect in found.suspects}
    one_name = [found for name in search.homes for found in search.one_name(name)]
    return (*two_names, *(found for found in one_name if found.suspects[0] not in told))


@dataclass(slots=True, eq=False)
class _Search:
    record: Record
    given: Sequence[Given]
    aliases: set[Alias]
    hidden: tuple[str, ...]
    classes: dict[Node, dict[LogicalAxis, list[Given]]] = field(init=False)
    homes: dict[LogicalAxis, dict[Node, list[Given]]] = field(init=False)
    _proofs: Proofs | None = None
    _neighbours: dict[Node, set[Node]] | None = None

    def __post_init__(self) -> None:
        self.classes = defaultdict(lambda: defaultdict(list))
        self.homes = defaultdict(lambda: defaultdict(list))
        for item in self.given:
            root = self.record.axes.find(item.node)
            self.classes[root][item.name].append(item)
            self.homes[item.name][root].append(item)

    def two_names(self, root: Node) -> list[Contradiction]:
        """The contradiction of a class whose names are not all one another's aliases."""
        names = self.classes[root]
        if all(pair in self.aliases for pair in combinations(sorted(names), 2)):
            return []
        items = [item for found in names.values() for item in found]
        ranked = sorted(items, key=lambda item: self._standing(root, item))
        first = ranked[0]
        others = [
            item
            for item in items
            if item.name != first.name
            and (min(item.name, first.name), max(item.name, first.name)) not in self.aliases
        ]
        other, meeting = self._meeting(first, others or items)
        by_votes = sorted(names, key=lambda name: -len(names[name]))
        suspects = tuple(item.suspect for item in ranked)
        why = _two_names_words(first, other, meeting)
        return [
            Contradiction(
                "two_names", tuple(by_votes), suspects, why, meeting.primitive, meeting.source, meeting.scope
            )
        ]

    def _standing(self, root: Node, item: Given) -> tuple[float, float]:
        """How well a name stands on a class, low for a culprit: its arrays here, and its share of home."""
        here = len(self.homes[item.name][root])
        everywhere = sum(len(items) for items in self.homes[item.name].values())
        return (here / sum(map(len, self.classes[root].values())), here / everywhere)

    def _meeting(self, first: Given, others: Sequence[Given]) -> tuple[Given, Meeting]:
        if self._proofs is None:
            self._proofs = Proofs(self.record, self.hidden)
        by_node = {item.node: item for item in reversed(others)}
        found = self._proofs.nearest(first.node, by_node)
        assert found, "dims of one class are linked"
        return by_node[found[0]], found[1]

    def one_name(self, name: LogicalAxis) -> list[Contradiction]:
        """A name on two axes: twice in one array, or on one array alone with another size."""
        homes = self.homes[name]
        if len(homes) == 1:
            return []
        found = [self._repeated(name, items) for items in _by_place(homes.values()) if len(items) > 1]
        repeated = [one for one in found if one is not None]
        return repeated or self._odd_size(name)

    def _repeated(self, name: LogicalAxis, items: Sequence[Given]) -> Contradiction | None:
        roots = [self.record.axes.find(item.node) for item in items]
        if len(set(roots)) == 1:
            return None
        ranked = sorted(items, key=lambda item: len(self.homes[name][self.record.axes.find(item.node)]))
        place = items[0].place
        dims = " and ".join(str(item.dim) for item in items)
        why = f"`{name}` names dims {dims} of {place.path}, which the computation keeps apart"
        return Contradiction("one_name", (name,), tuple(item.suspect for item in ranked), why)

    def _odd_size(self, name: LogicalAxis) -> list[Contradiction]:
        sizes: dict[int, list[Given]] = defaultdict(list)
        for root, items in self.homes[name].items():
            sizes[self.record.size(root)] += items
        if len(sizes) != 2:
            return []  # A name on three sizes is meant to be general.
        (odd_size, odd), (size, usual) = sorted(sizes.items(), key=lambda entry: len(entry[1]))
        if len({_template(item) for item in odd}) > 1 or len({_template(item) for item in usual}) < 2:
            return []
        if self._is_excused(odd, usual):
            return []
        why = f"`{name}` has size {odd_size} in {odd[0].place.path} and {size} everywhere else"
        return [Contradiction("one_name", (name,), tuple(item.suspect for item in odd), why)]

    def _is_excused(self, odd: Sequence[Given], usual: Sequence[Given]) -> bool:
        """Windows of convolutions have any size; a part or a multiple of an axis may bear its name."""
        find = self.record.axes.find
        roots = {find(item.node) for item in odd}
        if roots & {find(window) for window in self.record.windows}:
            return True
        if self._neighbours is None:
            self._neighbours = weak_neighbours(self.record)
            for node, others in product_neighbours(self.record).items():
                self._neighbours[node] |= others
        reached, waiting = set(roots), list(roots)
        while waiting:
            new = self._neighbours.get(waiting.pop(), set()) - reached
            reached |= new
            waiting += new
        return not reached.isdisjoint(find(item.node) for item in usual)


def _by_place(items: Iterable[Sequence[Given]]) -> list[list[Given]]:
    found: dict[object, list[Given]] = defaultdict(list)
    for item in (item for group in items for item in group):
        found[item.place].append(item)
    return list(found.values())


def _two_names_words(first: Given, other: Given, meeting: Meeting) -> str:
    means = {
        "": "they are one dim",
        "template": "layers of one make have them at one place",
        "tie": "they are one array",
    }.get(meeting.primitive, f"{meeting.primitive} makes them one axis")
    return f"`{first.name}` is {_shown(first)} and `{other.name}` is {_shown(other)}: {means}"


def _shown(item: Given) -> str:
    return f"dim {item.dim} of {item.place.path or item.place.kind}"
