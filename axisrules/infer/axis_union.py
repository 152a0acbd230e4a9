"""Union-find over dims, closed under products: dims that are one axis, and dims that are several in one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import prod

Node = int


@dataclass(frozen=True, slots=True)
class Link:
    """Two dims and why they belong together: an index into the reasons of the walk."""

    first: Node
    second: Node
    reason: int


@dataclass(slots=True, eq=False)
class AxisUnion:
    """A growing set of dims, each a node with a size; only dims of one size can be one axis.

    A node may be a product of others, major first. Two products of the same factors are one node, and
    two factorizations of one node are brought to their common refinement: `(2, 8)` and `(4, 4)` of 16
    make 2, 2 and 4. Dims of size 1 are no factors. `links` has the unions that were made, a forest.
    """

    sizes: list[int] = field(default_factory=list)
    parents: list[Node] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    _weights: list[int] = field(default_factory=list)
    _factors: dict[Node, tuple[Node, ...]] = field(default_factory=dict)
    _uses: dict[Node, dict[Node, None]] = field(default_factory=dict)
    _products: dict[tuple[Node, ...], Node] = field(default_factory=dict)
    _waiting: list[Link] = field(default_factory=list)
    _is_busy: bool = False

    def new(self, size: int) -> Node:
        """A dim of its own."""
        self.sizes.append(size)
        self.parents.append(len(self.parents))
        self._weights.append(1)
        return len(self.parents) - 1

    def find(self, node: Node) -> Node:
        """The node that stands for the whole class."""
        parents = self.parents
        while parents[node] != node:
            parents[node] = node = parents[parents[node]]
        return node

    def union(self, first: Node, second: Node, reason: int) -> None:
        """Make two dims of one size one axis, with all that follows for products."""
        if first == second:
            return
        assert self.sizes[first] == self.sizes[second], "only dims of one size can be one axis"
        self._waiting.append(Link(first, second, reason))
        self._settle()

    def atoms(self, node: Node) -> tuple[Node, ...]:
        """The factors of `node` that have no factors themselves, major first; itself if it has none."""
        root = self.find(node)
        factors = self._factors.get(root)
        if factors is None:
            return (root,)
        return self._all_atoms(factors)

    def factors(self, node: Node) -> tuple[Node, ...]:
        """The factors that were stated of `node` first, as roots; none for a dim in one piece."""
        return tuple(self.find(factor) for factor in self._factors.get(self.find(node), ()))

    def products(self) -> tuple[Node, ...]:
        """All classes that have factors, as roots."""
        return tuple(self._factors)

    def product(self, factors: Sequence[Node], reason: int) -> Node:
        """The node that is the product of `factors`, major first; the same factors give the same node."""
        wide = [factor for factor in factors if self.sizes[factor] != 1]
        if len(wide) == 1:
            return wide[0]
        node = self.new(prod(self.sizes[factor] for factor in wide))
        if wide:
            self.factor(node, wide, reason)
        return node

    def factor(self, node: Node, factors: Sequence[Node], reason: int) -> None:
        """State that `node` is the product of `factors`, major first."""
        wide = tuple(factor for factor in factors if self.sizes[factor] != 1)
        assert prod(self.sizes[factor] for factor in wide) == self.sizes[node], "a product keeps its size"
        if not wide:
            return
        if len(wide) == 1:
            self.union(node, wide[0], reason)
            return
        root = self.find(node)
        if root in self._factors:
            self._refine(self.atoms(root), self._all_atoms(wide), reason)
        else:
            self._set_factors(root, wide, reason)
        self._settle()

    def split(self, node: Node, sizes: Sequence[int], reason: int) -> tuple[Node, ...]:
        """New nodes of `sizes` whose product `node` is."""
        parts = tuple(self.new(size) for size in sizes)
        self.factor(node, parts, reason)
        return parts

    def _settle(self) -> None:
        """Carry out the unions that wait; each may bring new ones."""
        if self._is_busy:
            return
        self._is_busy = True
        while self._waiting:
            self._merge(self._waiting.pop())
        self._is_busy = False

    def _merge(self, link: Link) -> None:
        kept, lost = self.find(link.first), self.find(link.second)
        if kept == lost:
            return
        if self._weights[kept] < self._weights[lost]:
            kept, lost = lost, kept
        self.links.append(link)
        self.parents[lost] = kept
        self._weights[kept] += self._weights[lost]
        factors, others = self._factors.get(kept), self._factors.pop(lost, None)
        users = self._uses.pop(lost, {})
        self._uses.setdefault(kept, {}).update(users)
        if factors is None and others is not None:
            self._factors[kept] = others
            users = self._uses[kept]
        elif factors is not None and others is not None:
            self._refine(self._all_atoms(factors), self._all_atoms(others), link.reason)
        self._enter_again(users, link.reason)

    def _set_factors(self, root: Node, factors: tuple[Node, ...], reason: int) -> None:
        self._factors[root] = factors
        self._enter(root, reason)
        self._enter_again(self._uses.get(root, {}), reason)

    def _enter(self, node: Node, reason: int) -> None:
        """Look `node` up by its atoms, as another product of the same ones is the same node."""
        atoms = self.atoms(node)
        for atom in atoms:
            self._uses.setdefault(atom, {})[node] = None
        known = self._products.setdefault(atoms, node)
        if self.find(known) != self.find(node):
            self._waiting.append(Link(known, node, reason))

    def _enter_again(self, users: Iterable[Node], reason: int) -> None:
        for user in dict.fromkeys([self.find(user) for user in users]):
            if user in self._factors:
                self._enter(user, reason)

    def _refine(self, first: Sequence[Node], second: Sequence[Node], reason: int) -> None:
        """Make two factorizations of one node one, as far as whole factors allow."""
        for left, right in aligned_groups(self._sizes_of(first), self._sizes_of(second)):
            self._refine_group(first[left], second[right], reason)

    def _refine_group(self, first: Sequence[Node], second: Sequence[Node], reason: int) -> None:
        if len(first) == len(second) == 1:
            self._waiting.append(Link(first[0], second[0], reason))
        elif pieces := common_refinement(self._sizes_of(first), self._sizes_of(second)):
            shared = [self.new(size) for size in pieces]
            for atoms in (first, second):
                rest = list(shared)
                for atom in atoms:
                    self._cover(atom, rest, reason)

    def _cover(self, atom: Node, rest: list[Node], reason: int) -> None:
        """Take from the front of `rest` the nodes whose product `atom` is."""
        taken = [rest.pop(0)]
        while prod(self._sizes_of(taken)) < self.sizes[atom]:
            taken.append(rest.pop(0))
        root = self.find(atom)
        if len(taken) == 1:
            self._waiting.append(Link(atom, taken[0], reason))
        elif root in self._factors:  # The same atom stood in the list twice.
            self._refine(self.atoms(root), self._all_atoms(taken), reason)
        else:
            self._set_factors(root, tuple(taken), reason)

    def _all_atoms(self, nodes: Iterable[Node]) -> tuple[Node, ...]:
        return tuple(atom for node in nodes for atom in self.atoms(node))

    def _sizes_of(self, nodes: Sequence[Node]) -> list[int]:
        return [self.sizes[node] for node in nodes]


def aligned_groups(first: Sequence[int], second: Sequence[int]) -> list[tuple[slice, slice]]:
    """Cut two lists of sizes of one product into the shortest runs of equal product, from the left.

    >>> aligned_groups((2, 3, 4), (6, 4))
    [(slice(0, 2, None), slice(0, 1, None)), (slice(2, 3, None), slice(1, 2, None))]
    """
    groups = []
    start = other_start = at = other_at = 0
    product = other_product = 1
    while at < len(first) or other_at < len(second):
        if product <= other_product and at < len(first):
            product *= first[at]
            at += 1
        else:
            other_product *= second[other_at]
            other_at += 1
        if product == other_product and at > start and other_at > other_start:
            groups.append((slice(start, at), slice(other_start, other_at)))
            start, other_start, product, other_product = at, other_at, 1, 1
    return groups


def common_refinement(first: Sequence[int], second: Sequence[int]) -> tuple[int, ...]:
    """The coarsest sizes of which both lists of sizes are products of runs; empty where there are none.

    >>> common_refinement((2, 8), (4, 4))
    (2, 2, 4)
    >>> common_refinement((2, 3), (3, 2))
    ()
    """
    pieces = []
    left, right = list(reversed(first)), list(reversed(second))
    while left and right:
        shorter, longer = (left, right) if left[-1] <= right[-1] else (right, left)
        small, large = shorter.pop(), longer.pop()
        if large % small:
            return ()
        pieces.append(small)
        if large > small:
            longer.append(large // small)
    return tuple(pieces)
