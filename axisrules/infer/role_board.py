"""The state of guessing roles: what has a name, what was guessed, and which parameters have which axis."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from axisrules.axes import LogicalAxis
from axisrules.infer.axis_union import AxisUnion, Node
from axisrules.infer.record import FROM_DATA, Dot, Record
from axisrules.infer.unify import AxisGraph

# Roles of which a model may have several sizes: fused heads beside plain ones, layers of two stacks.
OF_ANY_SIZE = ("heads", "kv_heads", "qkv", "head_dim", "layers", "position")


@dataclass(slots=True, eq=False)
class RoleBoard:
    """Roles found so far, on top of the names that are known; keys are the nodes that stand for a class.

    `params` has the classes of every parameter's dims, `members` how many dims of parameters a class has.
    """

    graph: AxisGraph
    named: Mapping[Node, LogicalAxis]
    found: dict[Node, LogicalAxis] = field(default_factory=dict)
    params: dict[str, tuple[Node, ...]] = field(default_factory=dict)
    members: Counter[Node] = field(default_factory=Counter)
    _by_role: dict[str, set[Node]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        for place, (dims, _) in self.graph.arrays.items():
            if place.kind == "params":
                self.params[place.path] = self.roots(dims)
                self.members.update(self.params[place.path])
        for root, name in self.named.items():
            self._by_role[name].add(root)

    @property
    def record(self) -> Record:
        """What the walk wrote down."""
        return self.graph.record

    @property
    def axes(self) -> AxisUnion:
        """The dims that are one axis."""
        return self.graph.record.axes

    def root(self, node: Node) -> Node:
        """The node that stands for the class of `node`."""
        return self.graph.record.axes.find(node)

    def roots(self, nodes: Iterable[Node]) -> tuple[Node, ...]:
        """The classes of many nodes."""
        return tuple([self.graph.record.axes.find(node) for node in nodes])

    def size(self, root: Node) -> int:
        """The size of a class."""
        return self.graph.record.size(root)

    def is_open(self, root: Node) -> bool:
        """Whether a class wants a role: it has no name, and is wider than 1."""
        return root not in self.named and root not in self.found and self.size(root) != 1

    def say(self, node: Node, role: str) -> None:
        """Give a role to an open class, unless classes of another size have it and it is one of one size."""
        root = self.root(node)
        sizes = {self.size(other) for other in self._by_role[role]}
        if self.is_open(root) and (role in OF_ANY_SIZE or sizes <= {self.size(root)}):
            self.found[root] = LogicalAxis(role)
            self._by_role[role].add(root)

    def having(self, *roles: str) -> set[Node]:
        """Classes that have one of these names, known or guessed."""
        return {root for role in roles for root in self._by_role[role]}

    def dots_of_data(self) -> list[Dot]:
        """Products of two activations."""
        return [dot for dot in self.record.dots if dot.left_from & dot.right_from & FROM_DATA]

    def matrices_with(self, root: Node) -> int:
        """How many parameters of two dims or more have this axis."""
        return sum(len(dims) > 1 and root in dims for dims in self.params.values())
