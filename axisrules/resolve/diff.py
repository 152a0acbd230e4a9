"""What changes from one plan of a program to another, and what a live state would have to move."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from axisrules.axes import MeshAxis
from axisrules.diagnostics import AxisRulesError, catalog
from axisrules.mesh import MeshSpec
from axisrules.resolve.leaf import LeafPlan
from axisrules.resolve.plan import Plan
from axisrules.resolve.resolution import Spec
from axisrules.rules import KINDS, Kind

LIVE: tuple[Kind, ...] = ("params", "optimizer", "cache")


@dataclass(frozen=True, slots=True)
class LeafChange:
    """One leaf under two plans. `moved_bytes` counts what all devices together must receive."""

    before: LeafPlan
    after: LeafPlan
    moved_bytes: int


@dataclass(frozen=True)
class PlanDiff:
    """The leaves whose spec changes, and bytes per device of each kind before and after."""

    before: Plan
    after: Plan
    changes: tuple[LeafChange, ...]

    @property
    def moved_bytes(self) -> int:
        """Bytes that all devices together receive when a live state moves over."""
        return sum(change.moved_bytes for change in self.changes)

    @property
    def bytes_per_device(self) -> dict[Kind, tuple[int, int]]:
        """Bytes per device before and after, for every kind that the program has."""
        totals = {k: (self.before.bytes_per_device(k), self.after.bytes_per_device(k)) for k in KINDS}
        return {kind: pair for kind, pair in totals.items() if any(pair)}


def diff_plans(before: Plan, after: Plan) -> PlanDiff:
    """How `after` lays out the same leaves differently from `before`.

    Devices are taken to be numbered in row-major order of either mesh. Raises AxisRulesError: AXR205
    when the meshes differ in their number of devices.
    """
    if before.mesh.device_count != after.mesh.device_count:
        why = f"one plan is for {before.mesh.device_count} devices, the other for {after.mesh.device_count}"
        subject = f"mesh ({before.mesh}) and mesh ({after.mesh})"
        raise AxisRulesError([catalog.DEVICE_COUNT.at(subject=subject, why=why)])
    memo: dict[object, int] = {}
    return PlanDiff(before, after, tuple(_changes(before, after, memo)))


def _changes(before: Plan, after: Plan, memo: dict[object, int]) -> Iterator[LeafChange]:
    for old in before.leaves:
        new = after.by_path.get((old.leaf.kind, old.path))
        if new is None or (old.spec == new.spec and before.mesh == after.mesh):
            continue
        key = (old.leaf.shape, old.spec, new.spec)
        if key not in memo:
            memo[key] = received_elements(old.leaf.shape, (before.mesh, old.spec), (after.mesh, new.spec))
        moved = memo[key] * old.leaf.itemsize if old.leaf.kind in LIVE else 0
        if old.spec != new.spec or moved:
            yield LeafChange(old, new, moved)


def received_elements(
    shape: tuple[int, ...], before: tuple[MeshSpec, Spec], after: tuple[MeshSpec, Spec]
) -> int:
    """Elements that devices hold after and did not hold before, summed over all devices."""
    total = 0
    for old, new in zip(device_ranges(shape, *before), device_ranges(shape, *after), strict=True):
        shared = math.prod(
            max(0, min(old_end, new_end) - max(old_start, new_start))
            for (old_start, old_end), (new_start, new_end) in zip(old, new, strict=True)
        )
        total += math.prod(end - start for start, end in new) - shared
    return total


def device_ranges(
    shape: tuple[int, ...], mesh: MeshSpec, spec: Spec
) -> Iterator[tuple[tuple[int, int], ...]]:
    """For every device, in row-major order of the mesh, the range that it holds of each dim."""
    names = [name for name, _ in mesh.sizes]
    for coordinates in product(*(range(size) for _, size in mesh.sizes)):
        place = dict(zip(names, coordinates, strict=True))
        yield tuple(_range(size, axes, mesh.shape, place) for size, axes in zip(shape, spec, strict=True))


def _range(
    size: int, axes: tuple[MeshAxis, ...], sizes: dict[MeshAxis, int], place: dict[MeshAxis, int]
) -> tuple[int, int]:
    ways, index = 1, 0
    for axis in axes:
        ways, index = ways * sizes[axis], index * sizes[axis] + place[axis]
    return index * size // ways, (index + 1) * size // ways
