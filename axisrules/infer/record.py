"""What a walk over a jaxpr writes down: dims that are one axis, weak links, and facts that tell roles."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from axisrules.infer.axis_union import AxisUnion, Node

Dims = tuple[Node, ...]

# What an array is computed from, as bits.
FROM_PARAMS, FROM_DATA, FROM_COUNT = 1, 2, 4

# Reasons below zero are no equations.
NO_REASON, TEMPLATE, TIE = -1, -2, -3


@dataclass(frozen=True, slots=True, eq=False)
class Reason:
    """An equation as the walk met it, and the call it stood in (an index, or NO_REASON)."""

    equation: Any
    inside: int


# multiple: one dim is several of the other side by side. part: a cut, a window or a padding of it.
# unit: dims of size 1 that met.
WeakKind = Literal["multiple", "part", "unit"]


@dataclass(frozen=True, slots=True)
class WeakLink:
    """Two dims that have to do with one another, but are not one axis."""

    first: Node
    second: Node
    kind: WeakKind


@dataclass(frozen=True, slots=True)
class Dot:
    """A product of two arrays: their free dims, what is contracted, and what goes through both."""

    left_free: Dims
    right_free: Dims
    contracted: Dims
    batched: Dims
    left_from: int
    right_from: int


@dataclass(frozen=True, slots=True)
class Lookup:
    """Rows taken from a table by index: the dims looked into, those that stay whole, and their origins."""

    looked_into: Dims
    rows: Dims
    table_from: int
    index_from: int


@dataclass(slots=True, eq=False)
class Record:
    """The state of a walk. Rules for primitives call its methods, and return the dims of their results."""

    axes: AxisUnion = field(default_factory=AxisUnion)
    weak: list[WeakLink] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    opaque: list[int] = field(default_factory=list)
    boundaries: dict[str, tuple[Dims, Any]] = field(default_factory=dict)
    dots: list[Dot] = field(default_factory=list)
    lookups: list[Lookup] = field(default_factory=list)
    stacked: list[Node] = field(default_factory=list)  # dims that a scan over parameters steps along
    ranked: list[Node] = field(default_factory=list)  # dims of which a top_k picks the largest
    compared: list[Node] = field(default_factory=list)  # dims of a comparison of data with a count: one-hots
    windows: list[Node] = field(default_factory=list)  # dims of convolution kernels that slide
    reason: int = NO_REASON
    origins: tuple[int, ...] = ()  # what each operand of the equation at hand is computed from

    def new(self, shape: Sequence[int]) -> Dims:
        """Dims that belong to nothing yet."""
        return tuple([self.axes.new(int(size)) for size in shape])

    def same(self, first: Node, second: Node) -> None:
        """These two dims are one axis; ValueError where their sizes differ: a misread primitive's do."""
        if first != second:
            if self.size(first) != self.size(second):
                raise ValueError(f"sizes {self.size(first)} and {self.size(second)} are no one axis")
            self.axes.union(first, second, self.reason)

    def same_dims(self, first: Dims, second: Dims) -> None:
        """These two arrays are one, dim by dim; where their sizes differ nothing is said."""
        if len(first) == len(second):
            for one, other in zip(first, second, strict=True):
                if self.size(one) == self.size(other):
                    self.same(one, other)

    def weakly(self, first: Node, second: Node, kind: WeakKind = "part") -> None:
        """These two dims have to do with one another, but are not one axis."""
        if first != second:
            self.weak.append(WeakLink(first, second, kind))

    def part(self, whole: Node, size: int, *, is_whole: bool = False, kind: WeakKind = "part") -> Node:
        """A dim of `size` cut out of, or padded around, `whole`: itself where `is_whole`, else weakly linked.

        A dim of size 1 taken from a wider one, or the reverse, is an index, and has no link at all.
        """
        if is_whole:
            return whole
        part = self.axes.new(size)
        if size != 1 and self.size(whole) != 1:
            self.weakly(whole, part, kind)
        return part

    def size(self, node: Node) -> int:
        """The size of a dim."""
        return self.axes.sizes[node]
