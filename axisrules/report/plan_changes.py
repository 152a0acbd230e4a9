"""The changes between two plans in rows: alike layers share one, what follows its parameter needs none."""

from dataclasses import dataclass

from axisrules.report.rows import follows_its_parameter, grouped, starred, without_numbers
from axisrules.resolve import LeafChange, LeafPlan, PlanDiff
from axisrules.rules import KINDS, Kind


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """Leaves of one kind that change alike and differ in the numbers of their layers alone."""

    path: str
    changes: tuple[LeafChange, ...]

    @property
    def before(self) -> LeafPlan:
        """One of the leaves as it was."""
        return self.changes[0].before

    @property
    def after(self) -> LeafPlan:
        """The same leaf as it will be."""
        return self.changes[0].after

    @property
    def moved_bytes(self) -> int:
        """Bytes that all devices together receive for all the row's leaves."""
        return moved_bytes(self.changes)


@dataclass(frozen=True, slots=True)
class ChangeSection:
    """The changes of one kind; the followers change as the parameters that they belong to."""

    kind: Kind
    leaf_count: int
    rows: tuple[ChangeRow, ...]
    followers: tuple[LeafChange, ...]

    @property
    def change_count(self) -> int:
        """How many leaves change."""
        return len(self.followers) + sum(len(row.changes) for row in self.rows)


def change_sections(diff: PlanDiff) -> tuple[ChangeSection, ...]:
    """A section for every kind of which a leaf changes."""
    sections = (_section(diff, kind) for kind in KINDS)
    return tuple(section for section in sections if section.change_count)


def moved_bytes(changes: tuple[LeafChange, ...]) -> int:
    """Bytes that all devices together receive for all of `changes`."""
    return sum(change.moved_bytes for change in changes)


def _section(diff: PlanDiff, kind: Kind) -> ChangeSection:
    own: list[LeafChange] = []
    followers: list[LeafChange] = []
    for change in diff.changes:
        if change.before.leaf.kind == kind:
            follows = follows_its_parameter(change.before, diff.before) and follows_its_parameter(
                change.after, diff.after
            )
            (followers if follows else own).append(change)
    groups = grouped(own, _layer_key)
    rows = tuple(ChangeRow(starred(change.before.path for change in group), group) for group in groups)
    leaf_count = sum(plan.leaf.kind == kind for plan in diff.before.leaves)
    return ChangeSection(kind, leaf_count, rows, tuple(followers))


def _layer_key(change: LeafChange) -> object:
    leaf = change.before.leaf
    return without_numbers(leaf.path), leaf.shape, leaf.dtype, change.before.spec, change.after.spec
