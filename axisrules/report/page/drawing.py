"""The mesh drawn over the chips: squares for devices, wires for links, an array's blocks as colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from axisrules.axes import MeshAxis
from axisrules.mesh import MeshSpec
from axisrules.report.page.grid import Grid, Plane
from axisrules.report.page.leaves import Cut, LeafFacts
from axisrules.report.quantities import counted

CELL = 30
MARGIN = 22
OVERHANG = 6
COLOURS = 24


@dataclass(frozen=True, slots=True)
class Square:
    """A device on paper: its number, the block it holds, and the colour of that block."""

    device: int
    x: int
    y: int
    block: int
    colour: int


@dataclass(frozen=True, slots=True)
class PlaneDrawing:
    """One plane, `width` by `height` units large; `wires` is the path of its links."""

    title: str
    width: int
    height: int
    wires: str
    squares: tuple[Square, ...]
    columns: tuple[tuple[int, str], ...]
    rows: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class MeshDrawing:
    """All planes, coloured by the blocks of one leaf; `leaf` is its place in the list of leaves."""

    grid: Grid
    mesh: MeshSpec
    planes: tuple[PlaneDrawing, ...]
    leaf: int | None
    summary: str
    links: str
    left_out: int


def draw_mesh(
    grid: Grid, mesh: MeshSpec, leaves: Sequence[LeafFacts], wraps: tuple[bool, bool] | None
) -> MeshDrawing:
    """The mesh over `grid`, showing the parameter that is cut most.

    `wraps` says whether the links across and down close a ring; None draws no links.
    """
    shown = _most_cut(leaves)
    cuts = leaves[shown].cuts if shown is not None else ()
    planes = tuple(_plane(plane, mesh, cuts, wraps) for plane in grid.planes)
    left_out = mesh.device_count - grid.drawn_count
    return MeshDrawing(grid, mesh, planes, shown, _summary(grid, mesh), _links(wraps), left_out)


def block_of(device: int, mesh: MeshSpec, cuts: Sequence[Cut]) -> int:
    """Which block of an array the device holds, counted from 0 in row-major order of the blocks.

    Devices are numbered in row-major order of the mesh. The page's script computes the same.
    """
    at: dict[MeshAxis, int] = {}
    for mesh_axis, size in reversed(mesh.sizes):
        device, at[mesh_axis] = divmod(device, size)
    block = 0
    for _, _, mesh_axes in cuts:
        for mesh_axis in mesh_axes:
            block = block * mesh.shape[mesh_axis] + at[mesh_axis]
    return block


def _most_cut(leaves: Sequence[LeafFacts]) -> int | None:
    cut = [place for place, leaf in enumerate(leaves) if leaf.cuts]
    params = [place for place in cut if leaves[place].kind == "params"]
    return max(params or cut, key=lambda place: leaves[place].first.ways, default=None)


def _plane(
    plane: Plane,
    mesh: MeshSpec,
    cuts: Sequence[Cut],
    wraps: tuple[bool, bool] | None,
) -> PlaneDrawing:
    squares = []
    for cell in plane.cells:
        block = block_of(cell.device, mesh, cuts)
        x, y = MARGIN + cell.column * CELL, MARGIN + cell.row * CELL
        squares.append(Square(cell.device, x, y, block, block % COLOURS))
    width, height = (2 * MARGIN + CELL * len(side) for side in (plane.columns, plane.rows))
    columns, rows = (tuple(zip(_centres(side), side, strict=True)) for side in (plane.columns, plane.rows))
    wires = _wires(plane, wraps) if wraps else ""
    return PlaneDrawing(plane.title, width, height, wires, tuple(squares), columns, rows)


def _wires(plane: Plane, wraps: tuple[bool, bool]) -> str:
    """An SVG path: a line along every row and column, on past the edge where it closes a ring."""
    across, down = (OVERHANG if ring else -CELL // 2 for ring in wraps)
    right, bottom = (MARGIN + CELL * len(side) for side in (plane.columns, plane.rows))
    rows = [f"M{MARGIN - across} {y}H{right + across}" for y in _centres(plane.rows)]
    columns = [f"M{x} {MARGIN - down}V{bottom + down}" for x in _centres(plane.columns)]
    return "".join(rows + columns)


def _centres(side: Sequence[str]) -> list[int]:
    return [MARGIN + CELL * place + CELL // 2 for place in range(len(side))]


def _links(wraps: tuple[bool, bool] | None) -> str:
    if wraps is None:
        return ""
    return "Lines are links" + ("; one that runs on past the edge closes a ring." if any(wraps) else ".")


def _summary(grid: Grid, mesh: MeshSpec) -> str:
    sides = f"{grid.across} across" + (f", {grid.down} down" if grid.down else "")
    planes = counted(len(grid.planes), "plane")
    return f"{counted(mesh.device_count, 'device')} of the mesh {mesh} in {planes}; {sides}"
