"""Names guessed from what an axis is used for, as a transformer uses it.

A guess is never acted upon unasked. `ROLES` are the words; what fits none of them stays without a name.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from axisrules.axes import LogicalAxis
from axisrules.infer.axis_union import Node
from axisrules.infer.record import FROM_COUNT, FROM_DATA, FROM_PARAMS, Dims, Dot, Lookup
from axisrules.infer.unify import AxisGraph

ROLES = ("layers", "vocab", "embed", "position", "experts", "heads", "kv_heads", "head_dim", "mlp")


def guess_roles(graph: AxisGraph, named: Mapping[Node, LogicalAxis]) -> dict[Node, LogicalAxis]:
    """A role for every class without a name that shows one; keys are the nodes that stand for a class.

    No role goes to a class where its name was given to a class of another size.
    """
    guess = _Guess(graph, named)
    guess.layers()
    guess.tables()
    guess.experts()
    guess.attention()
    guess.residual_stream()
    guess.second_vocabulary()
    guess.feed_forward()
    return guess.found


@dataclass(slots=True, eq=False)
class _Guess:
    graph: AxisGraph
    named: Mapping[Node, LogicalAxis]
    found: dict[Node, LogicalAxis] = field(default_factory=dict)
    members: Counter[Node] = field(default_factory=Counter)
    sizes: dict[str, set[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for place, (dims, _) in self.graph.arrays.items():
            if place.kind == "params":
                self.members.update(self.roots(dims))
        for root, name in self.named.items():
            self.sizes.setdefault(name, set()).add(self.graph.record.size(root))

    def root(self, node: Node) -> Node:
        return self.graph.record.axes.find(node)

    def roots(self, nodes: Iterable[Node]) -> list[Node]:
        return [self.graph.record.axes.find(node) for node in nodes]

    def is_open(self, root: Node) -> bool:
        return root not in self.named and root not in self.found and self.graph.record.size(root) != 1

    def say(self, node: Node, role: str) -> None:
        root = self.root(node)
        if self.is_open(root) and self.sizes.get(role, {self.graph.record.size(root)}) == {
            self.graph.record.size(root)
        }:
            self.found[root] = LogicalAxis(role)

    def with_role(self, role: str) -> set[Node]:
        """Classes that have the name already, given or guessed."""
        return {root for names in (self.named, self.found) for root, name in names.items() if name == role}

    def layers(self) -> None:
        """The dim of parameters that a scan steps along."""
        for node in self.graph.record.stacked:
            self.say(node, "layers")

    def tables(self) -> None:
        """Rows looked up by data: the largest such table's are the vocabulary; by a count: positions."""
        lookups = [found for found in self.graph.record.lookups if found.table_from == FROM_PARAMS]
        by_data = [found for found in lookups if found.index_from & FROM_DATA and len(found.looked_into) == 1]
        by_data += self._one_hot_lookups()
        if by_data:
            largest = max(by_data, key=lambda found: self.graph.record.size(found.looked_into[0]))
            self.say(largest.looked_into[0], "vocab")
            for node in largest.rows[-1:]:
                self.say(node, "embed")
        for found in lookups:
            if found.index_from == FROM_COUNT and len(found.looked_into) == 1 and found.rows:
                self.say(found.looked_into[0], "position")

    def _one_hot_lookups(self) -> Iterator[Lookup]:
        """Products of a one-hot and a table."""
        compared = {self.root(node) for node in self.graph.record.compared}
        for dot in self.graph.record.dots:
            kernel = _free_of_kernel(dot)
            if kernel and len(dot.contracted) == 1 and self.root(dot.contracted[0]) in compared:
                yield Lookup(dot.contracted, kernel, FROM_PARAMS, FROM_DATA)

    def experts(self) -> None:
        """What parameters are batched over, and what a router ranks."""
        for dot in self.graph.record.dots:
            if FROM_PARAMS in (dot.left_from, dot.right_from):
                for node in dot.batched:
                    self.say(node, "experts")
        for root in self.roots(self.graph.record.ranked):
            if self.members[root]:
                self.say(root, "experts")

    def attention(self) -> None:
        """Heads: what products of activations are batched over, and parameters have, alone or as a factor."""
        dots = [dot for dot in self.graph.record.dots if dot.left_from & dot.right_from & FROM_DATA]
        batched = {root for dot in dots for root in self.roots(dot.batched) if self.is_open(root)}
        hanging = self._hanging_on_params()
        for root in sorted(batched & hanging):
            self._name_heads(root, self._grouped_beside(root, dots))

    def _grouped_beside(self, heads: Node, dots: Iterable[Dot]) -> set[Node]:
        """Axes that share a side with another one in products batched over `heads`: groups, with positions.

        head_dim stands there alone.
        """
        batched = [dot for dot in dots if heads in self.roots(dot.batched)]
        sides = [self.roots(side) for dot in batched for side in (dot.left_free, dot.right_free)]
        return {root for side in sides if len(side) > 1 for root in side}

    def _hanging_on_params(self) -> set[Node]:
        """Classes that parameters have, alone or as a factor."""
        axes = self.graph.record.axes
        hanging = set(self.members)
        for product in axes.products():
            if self.members[product]:
                hanging |= {product, *axes.factors(product), *axes.atoms(product)}
        return hanging

    def _name_heads(self, root: Node, grouped: set[Node]) -> None:
        """Heads that are a product have kv_heads as their major factor; heads in groups are kv_heads."""
        axes = self.graph.record.axes
        groups = [p for p in axes.products() if axes.factors(p)[0] == root and axes.factors(p)[1] in grouped]
        if factors := axes.factors(root):
            self.say(root, "heads")
            self.say(factors[0], "kv_heads")
        for product in groups:
            self.say(product, "heads")
        self.say(root, "kv_heads" if groups else "heads")
        for heads in (root, *factors[:1], *groups):
            self._name_head_dim(heads, {axes.factors(product)[1] for product in groups} | set(factors))

    def _name_head_dim(self, heads: Node, groups: set[Node]) -> None:
        """What stands beside heads, in a product or in a parameter."""
        axes = self.graph.record.axes
        beside = {parts[1] for p in axes.products() if (parts := axes.factors(p))[0] == heads}
        for dims in self._params():
            beside |= {after for before, after in pairwise(dims) if before == heads}
        for root in beside - groups:
            self.say(root, "head_dim")

    def residual_stream(self) -> None:
        """Where no table told: the axis that most parameters have."""
        if self.with_role("embed"):
            return
        ranked = [root for root, _ in self.members.most_common() if self.is_open(root)]
        if ranked and self.members[ranked[0]] > 2:
            self.say(ranked[0], "embed")

    def second_vocabulary(self) -> None:
        """The output's own vocabulary: beside embed in a matrix, and as large as the one looked up."""
        embed = self.with_role("embed")
        sizes = {self.graph.record.size(root) for root in self.with_role("vocab")}
        for dims in self._params():
            others = [root for root in dims if root not in embed]
            if len(dims) == 2 and len(others) == 1 and self.graph.record.size(others[0]) in sizes:
                self.say(others[0], "vocab")

    def _params(self) -> Iterator[list[Node]]:
        for place, (dims, _) in self.graph.arrays.items():
            if place.kind == "params":
                yield self.roots(dims)

    def feed_forward(self) -> None:
        """What the residual stream is projected to and, as it is, projected back from."""
        embed = self.with_role("embed")
        into: set[Node] = set()
        back: set[Node] = set()
        for dot in self.graph.record.dots:
            kernel = _free_of_kernel(dot)
            contracted, free = set(self.roots(dot.contracted)), set(self.roots(kernel))
            if contracted & embed:
                into |= free
            if free & embed:
                back |= contracted
        matrices = Counter(root for dims in self._params() if len(dims) > 1 for root in dims)
        for root in into & back:
            if not self.graph.record.axes.factors(root) and matrices[root] > 1:
                self.say(root, "mlp")


def _free_of_kernel(dot: Dot) -> Dims:
    """The free dims of the one operand that is computed from parameters alone; none where both or none is."""
    if (dot.left_from == FROM_PARAMS) == (dot.right_from == FROM_PARAMS):
        return ()
    return dot.left_free if dot.left_from == FROM_PARAMS else dot.right_free
