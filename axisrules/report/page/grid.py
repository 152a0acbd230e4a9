"""Devices on paper, plane by plane: where their chips lie, or where they stand in the mesh."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from axisrules.mesh import MeshSpec

# A plane is drawn whole; planes are left out once so many devices have been drawn.
MAX_DEVICES = 1024
FOLD = 16

Place = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One device, by its number in row-major order of the mesh, and where it is drawn."""

    device: int
    column: int
    row: int


@dataclass(frozen=True, slots=True)
class Plane:
    """Devices that share all coordinates but two; `title` says which: `slice 1, z 3`."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """All devices with their places, and the planes to draw; `across` and `down` name a plane's sides."""

    across: str
    down: str
    planes: tuple[Plane, ...]
    places: tuple[str, ...]

    @property
    def drawn_count(self) -> int:
        """How many of the devices are drawn."""
        return sum(len(plane.cells) for plane in self.planes)


def chip_grid(coords: Sequence[Place], names: Sequence[str]) -> Grid:
    """The grid of devices at `coords`, each with a coordinate per name.

    Of a chip's coordinates x runs across and y down; of others, the last runs across and the one
    before it down. Cores of one chip stand side by side.
    """
    across, down = (
        ("x", "y") if {"x", "y"} <= set(names) else (names[-1], "" if len(names) < 2 else names[-2])
    )
    inner = [name for name in names if name == "core"]
    columns_of = _picker(names, [across, *inner])
    rows_of = _picker(names, [down] if down else [])
    rest = [name for name in names if name not in (across, down, *inner)]
    planes_of = _picker(names, rest)
    columns, rows, planes = (sorted(set(map(pick, coords))) for pick in (columns_of, rows_of, planes_of))
    varying = [place for place in range(len(rest)) if len({plane[place] for plane in planes}) > 1]
    made: list[Plane] = []
    for plane in planes:
        cells = tuple(
            Cell(device, columns.index(columns_of(at)), rows.index(rows_of(at)))
            for device, at in enumerate(coords)
            if planes_of(at) == plane
        )
        if made and sum(len(before.cells) for before in made) + len(cells) > MAX_DEVICES:
            break
        title = ", ".join(f"{rest[place]} {plane[place]}" for place in varying)
        made.append(Plane(title, _labels(columns), _labels(rows), cells))
    places = tuple(", ".join(f"{name} {at}" for name, at in zip(names, one, strict=True)) for one in coords)
    return Grid(" and ".join([across, *inner]), down, tuple(made), places)


def mesh_grid(mesh: MeshSpec) -> Grid:
    """The grid of a mesh of which no chip is known: its minor mesh axis across, the next one down.

    A mesh of one axis, or whose minor axis is long, is folded into rows of 16.
    """
    sizes = [size for _, size in mesh.sizes if size > 1] or [1]
    names = [str(name) for name, size in mesh.sizes if size > 1] or ["device"]
    coords = list(product(*map(range, sizes)))
    places = tuple(", ".join(f"{name} {at}" for name, at in zip(names, one, strict=True)) for one in coords)
    if sizes[-1] <= FOLD:
        return Grid(*_sides(names), chip_grid(coords, names).planes, places)
    folded = [(*at[:-1], *divmod(at[-1], FOLD)) for at in coords]
    grid = chip_grid(folded, [*names[:-1], f"{names[-1]} / {FOLD}", names[-1]])
    return Grid(names[-1], f"{names[-1]} / {FOLD}", grid.planes, places)


def _sides(names: Sequence[str]) -> tuple[str, str]:
    return names[-1], names[-2] if len(names) > 1 else ""


def _picker(names: Sequence[str], wanted: Iterable[str]) -> Callable[[Place], Place]:
    at = [names.index(name) for name in wanted]
    return lambda coords: tuple(coords[place] for place in at)


def _labels(values: Iterable[Place]) -> tuple[str, ...]:
    return tuple(".".join(map(str, value)) for value in values)
