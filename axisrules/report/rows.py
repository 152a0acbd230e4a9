"""Many leaves in few rows: layers that are alike share one, and state that follows its parameter none."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from axisrules.resolve import LeafPlan, Plan
from axisrules.rules import INHERITS, KINDS, Kind

T = TypeVar("T")

# A layer's number: a whole part of a path (`layers/3/mlp`) or the end of one (`layers_3/mlp`).
_NUMBER = re.compile(r"(?:(?<=/)|(?<=_)|^)\d+(?=/|$)")


@dataclass(frozen=True, slots=True)
class KindTotal:
    """How much a program has of one kind of array; the bytes are of whole arrays and of one device."""

    kind: Kind
    leaf_count: int
    bytes: int
    bytes_per_device: int


@dataclass(frozen=True, slots=True)
class Row:
    """Leaves of one kind that differ in the numbers of their layers alone; `path` shows those as `*`."""

    path: str
    plans: tuple[LeafPlan, ...]

    @property
    def first(self) -> LeafPlan:
        """One of the leaves, which stands for all."""
        return self.plans[0]

    @property
    def bytes_per_device(self) -> int:
        """Bytes that one device holds of all the row's leaves."""
        return sum(plan.bytes_per_device for plan in self.plans)


@dataclass(frozen=True, slots=True)
class Section:
    """The leaves of one kind: in rows, except for the followers, which lie just as their parameters do."""

    kind: Kind
    rows: tuple[Row, ...]
    followers: tuple[LeafPlan, ...]


def sections(plan: Plan) -> tuple[Section, ...]:
    """A section for every kind that the program has."""
    return tuple(_section(plan, kind, plans) for kind in KINDS if (plans := of_kind(plan, kind)))


def totals(plan: Plan) -> tuple[KindTotal, ...]:
    """The totals of every kind that the program has."""
    return tuple(
        KindTotal(kind, len(plans), sum(p.leaf.bytes for p in plans), sum(p.bytes_per_device for p in plans))
        for kind in KINDS
        if (plans := of_kind(plan, kind))
    )


def of_kind(plan: Plan, kind: Kind) -> list[LeafPlan]:
    """The leaves of one kind, in the program's order."""
    return [leaf_plan for leaf_plan in plan.leaves if leaf_plan.leaf.kind == kind]


def alike(plans: Iterable[LeafPlan]) -> list[tuple[LeafPlan, ...]]:
    """Leaves of equal shape, dtype and layout together, whatever their kind and path."""
    return grouped(plans, lambda plan: (plan.leaf.shape, plan.leaf.dtype, plan.resolution))


def follows_its_parameter(leaf_plan: LeafPlan, plan: Plan) -> bool:
    """Whether a gradient or a part of the optimizer's state lies just as its parameter does.

    The parameter is the one whose path ends the leaf's: `0/mu/embedding` belongs to `embedding`.
    """
    parent = INHERITS.get(leaf_plan.leaf.kind)
    if parent is None:
        return False
    parts = leaf_plan.path.split("/")
    tails = ("/".join(parts[start:]) for start in range(len(parts)))
    owner = next((found for tail in tails if (found := plan.by_path.get((parent, tail)))), None)
    return owner is not None and (owner.leaf.shape, owner.spec) == (leaf_plan.leaf.shape, leaf_plan.spec)


def grouped(items: Iterable[T], key: Callable[[T], object]) -> list[tuple[T, ...]]:
    """Items of equal key together, groups and members in the order of their first appearance."""
    groups: dict[object, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return [tuple(group) for group in groups.values()]


def without_numbers(path: str) -> str:
    """The path with `*` for every number of a layer.

    >>> without_numbers("decoder/layers_3/experts/0/kernel")
    'decoder/layers_*/experts/*/kernel'
    """
    return _NUMBER.sub("*", path)


def starred(paths: Iterable[str]) -> str:
    """Paths that are equal but for numbers as one, with `*` for the numbers in which they differ.

    >>> starred(["0/mu/layers_1/bias", "0/mu/layers_2/bias"])
    '0/mu/layers_*/bias'
    """
    parts = zip(*(path.split("/") for path in paths), strict=True)
    return "/".join(same[0] if len(set(same)) == 1 else without_numbers(same[0]) for same in parts)


def _section(plan: Plan, kind: Kind, plans: list[LeafPlan]) -> Section:
    followers = [leaf_plan for leaf_plan in plans if follows_its_parameter(leaf_plan, plan)]
    followed = set(map(id, followers))
    own = [leaf_plan for leaf_plan in plans if id(leaf_plan) not in followed]
    groups = grouped(own, lambda p: (without_numbers(p.path), p.leaf.shape, p.leaf.dtype, p.resolution))
    return Section(kind, tuple(Row(starred(p.path for p in g), g) for g in groups), tuple(followers))
