"""How XLA writes down the layout of an array, read as what it means: which device holds which block."""

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from axisrules.axes import MeshAxis
from axisrules.mesh import MeshSpec
from axisrules.resolve import Spec

_TILES = re.compile(r"devices=\[([\d,]+)\](?:<=\[([\d,]+)\](?:T\(([\d,]+)\))?|([\d,]+))?(.*)", re.DOTALL)
_MESH = re.compile(
    r"(?:@)?mesh\[([^\]]*)\],? *(?:device_ids=\(?\[?([\d,]*)\]?\)?,? *)?\[(.*?)\](.*)", re.DOTALL
)
_REPLICATED = re.compile(r"(?:mesh\[[^\]]*\], *)?replicated")
_SIZED = re.compile(r"'([^']+)'=(\d+)")
_SUB_AXIS = re.compile(r"'([^']+)'(?::\((\d+)\)(\d+))?")


@dataclass(frozen=True)
class Tiling:
    """Blocks of an array: `ways` per dim, and for every device the index of its block in each dim.

    Devices count as positions in the mesh, major to minor.
    """

    ways: tuple[int, ...]
    blocks: tuple[tuple[int, ...], ...]

    @cached_property
    def is_whole(self) -> bool:
        """Whether every device holds all of it."""
        return all(ways == 1 for ways in self.ways)

    def dims(self, chosen: Sequence[int]) -> "Tiling":
        """The tiling of some of the dims."""
        ways = tuple(self.ways[dim] for dim in chosen)
        return Tiling(ways, tuple(tuple(block[dim] for dim in chosen) for block in self.blocks))


def tiling_of_spec(spec: Spec, mesh: MeshSpec) -> Tiling:
    """The blocks that `spec` asks for on `mesh`."""
    coordinates = list(itertools.product(*(range(size) for _, size in mesh.sizes)))
    place = {name: index for index, (name, _) in enumerate(mesh.sizes)}
    shape = mesh.shape

    def block(device: tuple[int, ...], axes: tuple[MeshAxis, ...]) -> int:
        index = 0
        for axis in axes:
            index = index * shape[axis] + device[place[axis]]
        return index

    ways = tuple(math.prod(shape[axis] for axis in axes) for axes in spec)
    return Tiling(ways, tuple(tuple(block(device, axes) for axes in spec) for device in coordinates))


def read_sharding(text: str, rank: int, device_count: int) -> Tiling | None:
    """The blocks that `{devices=[2,4]<=[8]}` and its like mean for an array of `rank` dims.

    Reads tile assignments, in full or as an iota with a transposition, and lists of mesh axes by dim.
    None for a text that fixes no blocks on all devices, such as `{manual}` or one device alone.
    """
    inner = text.strip().removeprefix("{").removesuffix("}").strip()
    if _REPLICATED.match(inner):
        return Tiling((1,) * rank, ((0,) * rank,) * device_count)
    if inner.startswith("devices="):
        return _tiles(inner, rank, device_count)
    if "mesh[" in inner:
        return _axes_by_dim(inner, rank, device_count)
    return None


def split_shardings(text: str) -> tuple[str, ...]:
    """The shardings of a tuple's elements, out of `{{replicated}, {devices=[8]<=[8]}}`."""
    inner = text.strip()[1:-1]
    parts, depth, start = [], 0, 0
    for position, letter in enumerate(inner):
        if letter in "{[(":
            depth += 1
            if depth == 1 and letter == "{":
                start = position
        elif letter in "}])":
            depth -= 1
            if depth == 0 and letter == "}":
                parts.append(inner[start : position + 1])
    return tuple(parts)


def _tiles(text: str, rank: int, device_count: int) -> Tiling | None:
    """`devices=[2,1,4]<=[8] last_tile_dim_replicate`: tile counts, then which device has which tile."""
    found = _TILES.match(text)
    if not found:
        return None
    tiles = _numbers(found[1])
    devices = _numbers(found[4]) if found[4] else _iota(found[2], found[3], math.prod(tiles))
    if len(devices) != device_count or len(tiles) < rank or "manual" in found[5]:
        return None
    blocks: list[tuple[int, ...]] = [()] * device_count
    for index, device in zip(itertools.product(*map(range, tiles)), devices, strict=True):
        blocks[device] = index[:rank]
    return Tiling(tuple(tiles[:rank]), tuple(blocks))


def _iota(sizes: str | None, permutation: str | None, count: int) -> list[int]:
    """The devices of `<=[2,4]T(1,0)` in order of their tiles."""
    reshaped = _numbers(sizes) if sizes else [count]
    order = _numbers(permutation) if permutation else list(range(len(reshaped)))
    strides = [math.prod(reshaped[dim + 1 :]) for dim in range(len(reshaped))]
    indices = itertools.product(*(range(reshaped[dim]) for dim in order))
    return [sum(step * strides[dim] for step, dim in zip(index, order, strict=True)) for index in indices]


def _axes_by_dim(text: str, rank: int, device_count: int) -> Tiling | None:
    """`mesh['fsdp'=2,'tensor'=4], [{'fsdp'}, {}, {'tensor'}]`: mesh axes for every dim, `'x':(2)4` a part."""
    found = _MESH.search(text)
    if not found or "manual" in found[4]:
        return None
    sizes = [(name, int(size)) for name, size in _SIZED.findall(found[1])]
    dims = re.findall(r"\{([^}]*)\}", found[3])
    if math.prod(size for _, size in sizes) != device_count or len(dims) != rank:
        return None
    order = _numbers(found[2]) if found[2] else list(range(device_count))
    blocks: list[tuple[int, ...]] = [()] * device_count
    parts = [[_part(match, dict(sizes)) for match in _SUB_AXIS.finditer(dim)] for dim in dims]
    names = [name for name, _ in sizes]
    for place, index in enumerate(itertools.product(*(range(size) for _, size in sizes))):
        coordinate = dict(zip(names, index, strict=True))
        blocks[order[place]] = tuple(_block(coordinate, dim) for dim in parts)
    return Tiling(tuple(math.prod(size for _, _, size in dim) for dim in parts), tuple(blocks))


def _part(match: re.Match[str], sizes: dict[str, int]) -> tuple[str, int, int]:
    """(mesh axis, how many of its devices share a block, into how many pieces it cuts)."""
    name = match[1]
    if match[2] is None:
        return name, 1, sizes[name]
    before, size = int(match[2]), int(match[3])
    return name, sizes[name] // (before * size), size


def _block(coordinate: dict[str, int], parts: list[tuple[str, int, int]]) -> int:
    index = 0
    for name, minor, size in parts:
        index = index * size + coordinate[name] // minor % size
    return index


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]
