"""One array over the mesh: which devices hold which block."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from axisrules.axes import LogicalAxis, MeshAxis
from axisrules.mesh import MeshSpec
from axisrules.resolve import DimReason, LeafPlan, device_ranges

Range = tuple[int, int]

MAX_RUNS = 5


@dataclass(frozen=True, slots=True)
class Side:
    """A cut dim along one side of the picture, and the ranges into which it is cut."""

    dim: int
    logical_axis: LogicalAxis | None
    mesh_axes: tuple[MeshAxis, ...]
    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """The blocks that share one range of every dim that is neither side.

    `cells[row][column]` has the devices that hold a block, numbered in row-major order of the mesh.
    """

    fixed: tuple[tuple[Side, Range], ...]
    cells: tuple[tuple[tuple[int, ...], ...], ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """The blocks of an array of any rank: the last two cut dims are its sides, earlier ones its panels."""

    rows: Side | None
    columns: Side | None
    panels: tuple[Panel, ...]
    copies: int

    @property
    def block_count(self) -> int:
        """Into how many blocks the array is cut."""
        return sum(len(row) for panel in self.panels for row in panel.cells)


def most_cut(plans: Iterable[LeafPlan]) -> LeafPlan | None:
    """The array cut into most blocks, the largest of such; a parameter where one is cut at all."""
    cut = [plan for plan in plans if plan.ways > 1]
    params = [plan for plan in cut if plan.leaf.kind == "params"]
    return max(params or cut, key=lambda plan: (plan.ways, plan.leaf.bytes), default=None)


def draw(leaf_plan: LeafPlan, mesh: MeshSpec) -> Picture:
    """The picture of one array; an array that is not cut is a single block that every device holds."""
    shape = leaf_plan.leaf.shape
    cut = [reason for reason in leaf_plan.resolution.dims if reason.ways > 1]
    sides = [_side(reason, shape[reason.dim]) for reason in cut]
    held_by: dict[tuple[Range, ...], list[int]] = {}
    for device, ranges in enumerate(device_ranges(shape, mesh, leaf_plan.spec)):
        held_by.setdefault(tuple(ranges[side.dim] for side in sides), []).append(device)
    columns = sides[-1] if sides else None
    rows = sides[-2] if len(sides) > 1 else None
    outer = sides[:-2]
    panels = tuple(
        Panel(tuple(zip(outer, fixed, strict=True)), _cells(fixed, rows, columns, held_by))
        for fixed in product(*(side.ranges for side in outer))
    )
    return Picture(rows, columns, panels, mesh.device_count // leaf_plan.ways)


def _side(reason: DimReason, size: int) -> Side:
    local = size // reason.ways
    ranges = tuple((start * local, (start + 1) * local) for start in range(reason.ways))
    return Side(reason.dim, reason.logical_axis, reason.mesh_axes, ranges)


def _cells(
    fixed: tuple[Range, ...],
    rows: Side | None,
    columns: Side | None,
    held_by: dict[tuple[Range, ...], list[int]],
) -> tuple[tuple[tuple[int, ...], ...], ...]:
    return tuple(
        tuple(tuple(held_by[(*fixed, *row, *column)]) for column in _choices(columns))
        for row in _choices(rows)
    )


def _choices(side: Side | None) -> Iterable[tuple[Range, ...]]:
    """A range of the side as a tuple of one; the empty tuple where there is no such side."""
    return [(chosen,) for chosen in side.ranges] if side else [()]


def device_list(devices: tuple[int, ...]) -> str:
    """Device numbers with runs drawn together; the middle of a long list left out.

    >>> device_list((0, 1, 2, 3, 6, 8, 9))
    '0-3 6 8-9'
    """
    runs: list[list[int]] = []
    for device in devices:
        if runs and device == runs[-1][1] + 1:
            runs[-1][1] = device
        else:
            runs.append([device, device])
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in runs]
    return " ".join(shown if len(shown) <= MAX_RUNS else [*shown[:2], "…", shown[-1]])
