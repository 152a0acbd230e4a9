"""Which devices take part in a collective together: three spellings of groups, and pairs of a permute."""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise, product

# Positions in the mesh, group by group.
Groups = tuple[tuple[int, ...], ...]

_LIST = re.compile(r"\{([\d,\s]*)\}")
_IOTA = re.compile(r"\[([\d,]+)\]<=\[([\d,]+)\](?:T\(([\d,]+)\))?")
_IOTA_IDS = re.compile(r"\[([\d,]+)\](?:T\(([\d,]+)\))?\s*\Z")
_MESH = re.compile(r"mesh\[([^\]]*)\](?:,\s*device_ids=\((.*)\))?\s*\{(.*)\}\s*\Z")
_MESH_AXIS = re.compile(r"'([^']*)'=(\d+)")
_AXIS_USE = re.compile(r"'([^']*)'(?::\((\d+)\)(\d+))?")


def read_groups(text: str, device_count: int) -> Groups:
    """The groups that a `replica_groups` attribute lists; empty text is one group of all devices.

    Reads `{{0,1},{2,3}}`, the iota form `[4,2]<=[2,4]T(1,0)` and the mesh form
    `mesh['a'=2,'b'=4] {'b'}`, where `'b':(2)2` is the part of an axis behind its first 2 pieces.

    >>> read_groups("[2,2]<=[2,2]T(1,0)", 4)
    ((0, 2), (1, 3))
    >>> read_groups("mesh['a'=2,'b'=2] {'a'}", 4)
    ((0, 2), (1, 3))
    """
    text = text.strip()
    if mesh := _MESH.match(text):
        return _mesh_groups(mesh[1], mesh[2], mesh[3])
    if iota := _IOTA.match(text):
        ids = _iota(_numbers(iota[2]), _numbers(iota[3] or ""))
        size = _numbers(iota[1])[-1]
        return tuple(tuple(ids[start : start + size]) for start in range(0, len(ids), size))
    groups = tuple(tuple(_numbers(group)) for group in _LIST.findall(text) if group.strip())
    return groups or (tuple(range(device_count)),)


def read_pairs(text: str) -> tuple[tuple[int, int], ...]:
    """The (source, target) pairs of a `source_target_pairs` attribute.

    >>> read_pairs("{{0,1},{1,0}}")
    ((0, 1), (1, 0))
    """
    pairs = (_numbers(pair) for pair in _LIST.findall(text))
    return tuple((pair[0], pair[1]) for pair in pairs if len(pair) == 2)


def groups_of_pairs(pairs: Sequence[tuple[int, int]]) -> Groups:
    """The devices that pairs join, directly or through others, as groups of at least two.

    >>> groups_of_pairs([(0, 1), (1, 0), (2, 3), (3, 2), (4, 4)])
    ((0, 1), (2, 3))
    """
    leader: dict[int, int] = {}

    def find(device: int) -> int:
        while leader.setdefault(device, device) != device:
            leader[device] = leader[leader[device]]
            device = leader[device]
        return device

    for source, target in pairs:
        leader[find(source)] = find(target)
    groups: dict[int, list[int]] = {}
    for device in sorted(leader):
        groups.setdefault(find(device), []).append(device)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def _mesh_groups(axes: str, device_ids: str | None, used: str) -> Groups:
    """Groups along some axes of a mesh that XLA made up; its axes need not be the user's."""
    sizes = {name: int(size) for name, size in _MESH_AXIS.findall(axes)}
    digits, grouped = _digits(sizes, used)
    ids = _device_ids(device_ids, math.prod(sizes.values()))
    strides = [math.prod(digits[place + 1 :]) for place in range(len(digits))]
    rest = [place for place in range(len(digits)) if place not in grouped]

    def offsets(places: Sequence[int]) -> Iterator[int]:
        for values in product(*(range(digits[place]) for place in places)):
            yield sum(value * strides[place] for value, place in zip(values, places, strict=True))

    inner = list(offsets(grouped))
    return tuple(tuple(ids[base + offset] for offset in inner) for base in offsets(rest))


def _digits(sizes: dict[str, int], used: str) -> tuple[list[int], list[int]]:
    """Every axis cut where a use of it begins or ends: the pieces' sizes, and which pieces are used."""
    cuts: dict[str, set[int]] = {name: {1, size} for name, size in sizes.items()}
    spans: list[tuple[str, int, int]] = []
    for name, before, ways in _AXIS_USE.findall(used):
        first = int(before or 1)
        spans.append((name, first, first * int(ways or sizes[name])))
        cuts[name] |= set(spans[-1][1:])
    digits: list[int] = []
    place_of: dict[tuple[str, int], int] = {}
    for name in sizes:
        edges = sorted(cuts[name])
        for low, high in pairwise(edges):
            place_of[name, low] = len(digits)
            digits.append(high // low)
    grouped = [
        place_of[name, edge]
        for name, first, last in spans
        for edge in sorted(cuts[name])
        if first <= edge < last
    ]
    return digits, grouped


def _device_ids(text: str | None, count: int) -> list[int]:
    if not text:
        return list(range(count))
    if iota := _IOTA_IDS.search(text):
        return _iota(_numbers(iota[1]), _numbers(iota[2] or ""))
    return _numbers(text)


def _iota(dims: list[int], order: list[int]) -> list[int]:
    """The numbers from 0 laid out as `dims`, transposed by `order`, read in order."""
    order = order or list(range(len(dims)))
    strides = [math.prod(dims[place + 1 :]) for place in range(len(dims))]
    ranges = [range(0, dims[place] * strides[place], strides[place]) for place in order]
    return [sum(values) for values in product(*ranges)]


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]
