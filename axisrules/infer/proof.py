"""Why two dims are one axis: the chain of unions between them, and the operation to show for it."""

from collections import defaultdict, deque
from collections.abc import Collection
from dataclasses import dataclass, field

from axisrules.infer.axis_union import Link, Node
from axisrules.infer.record import TEMPLATE, TIE, Record
from axisrules.infer.source import source_of

_WORDS = {TEMPLATE: "template", TIE: "tie"}


@dataclass(frozen=True, slots=True)
class Meeting:
    """The operation that brings two dims together: its primitive, "file.py:12", and scope.

    The primitive is "template" where only layers of one make do, and "tie" where places were tied.
    """

    primitive: str
    source: str
    scope: str


@dataclass(frozen=True, eq=False)
class Proofs:
    """The unions of a record as a forest that can be walked from dim to dim."""

    record: Record
    hidden: tuple[str, ...] = ()
    _links: dict[Node, list[tuple[Node, int]]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for link in self.record.axes.links:
            self._links[link.first].append((link.second, link.reason))
            self._links[link.second].append((link.first, link.reason))

    def nearest(self, start: Node, targets: Collection[Node]) -> tuple[Node, Meeting] | None:
        """The target fewest unions away from `start`, and where the way to it first joins another dim.

        None where no target is in the class of `start`. A `start` that is itself a target meets no operation.
        """
        arrived = {start: Link(start, start, 0)}
        waiting = deque([start])
        while waiting:
            node = waiting.popleft()
            if node in targets:
                return node, self._first_join(start, node, arrived)
            for other, reason in self._links.get(node, ()):
                if other not in arrived:
                    arrived[other] = Link(node, other, reason)
                    waiting.append(other)
        return None

    def _first_join(self, start: Node, node: Node, arrived: dict[Node, Link]) -> Meeting:
        reasons = []
        while node != start:
            reasons.append(arrived[node].reason)
            node = arrived[node].first
        equations = [reason for reason in reversed(reasons) if reason >= 0]
        if equations:
            return Meeting(*source_of(self.record, equations[0], self.hidden))
        return Meeting(_WORDS.get(reasons[0], "") if reasons else "", "", "")
