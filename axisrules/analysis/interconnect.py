"""How the devices of a mesh are joined: a torus or a switch inside a slice, a slower network between slices.

Every formula stands on docs/pages/cost_model.md, with its source.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

Link = str
"""One thing that traffic queues for: `ici:0+` (torus dim 0, upwards), `nvlink`, `dcn`."""

SWITCH: Link = "nvlink"
BETWEEN: Link = "dcn"


@dataclass(frozen=True, slots=True)
class Torus:
    """Chips in a grid, each with a link to its neighbours along every dim.

    `sizes` are chips along each dim, `wraps` says where the last chip is joined to the first.
    Bandwidth is of one link, one way; `hop_seconds` is the least that one hop takes.
    """

    sizes: tuple[int, ...]
    wraps: tuple[bool, ...]
    link_bytes_per_second: float
    hop_seconds: float

    def is_ring(self, dim: int) -> bool:
        """Whether `dim` goes around: two chips are neighbours once, however they are wired."""
        return self.wraps[dim] and self.sizes[dim] > 2


@dataclass(frozen=True, slots=True)
class Switch:
    """Devices that all reach each other through a switch: bandwidth out of one device, one way."""

    bytes_per_second: float
    hop_seconds: float


@dataclass(frozen=True, slots=True)
class Between:
    """What joins slices of TPUs (DCN) or nodes of GPUs (InfiniBand): bandwidth out of one device."""

    bytes_per_second: float
    hop_seconds: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where one device is: its slice (or node), its chip's coordinates in the torus, its core on the chip."""

    island: int = 0
    coords: tuple[int, ...] = ()
    core: int = 0


@dataclass(frozen=True, slots=True)
class Interconnect:
    """The network under a mesh; `places` are the mesh's devices row-major, as replica groups number them."""

    inside: Torus | Switch
    between: Between
    places: tuple[Place, ...]

    @property
    def cores_per_chip(self) -> int:
        """Devices that share one chip's links."""
        return 1 + max((place.core for place in self.places), default=0)


@dataclass(frozen=True, slots=True)
class Span:
    """What a group takes up along one dim of the torus: `count` chips, `stride` apart, in a ring or not."""

    dim: int
    count: int
    stride: int
    is_ring: bool

    @property
    def directions(self) -> int:
        """Links into a device that the group can fill at once; the last chip of a line has only one."""
        return 2 if self.is_ring else 1

    @property
    def hops(self) -> int:
        """The longest way along this dim."""
        return self.stride * (self.count // 2 if self.is_ring else self.count - 1)


def spans_of(torus: Torus, coords: Iterable[tuple[int, ...]]) -> tuple[Span, ...] | None:
    """The spans of a group that is a box in the torus; None for a group that is no box.

    A stride of s means that s groups lie interleaved on the same links.
    """
    chips = set(coords)
    spans = []
    for dim, size in enumerate(torus.sizes):
        values = sorted({chip[dim] for chip in chips})
        steps = {after - before for before, after in pairwise(values)}
        if len(steps) > 1:
            return None
        if steps:
            stride = steps.pop()
            is_ring = torus.is_ring(dim) and stride * len(values) == size
            spans.append(Span(dim, len(values), stride, is_ring))
    return tuple(spans) if math.prod(span.count for span in spans) == len(chips) else None


def link_loads(torus: Torus, pairs: Iterable[tuple[tuple[int, ...], tuple[int, ...]]]) -> dict[Link, float]:
    """By direction of each torus dim, the most messages that one of its links carries for `pairs` of chips.

    A message goes dim by dim, the shorter way around; halfway around a ring it is cut in two.
    """
    loads: dict[tuple[Link, tuple[int, ...]], float] = {}
    for source, target in pairs:
        for crossed, share in _crossed(torus, source, target):
            loads[crossed] = loads.get(crossed, 0.0) + share
    fullest: dict[Link, float] = {}
    for (link, _), load in loads.items():
        fullest[link] = max(fullest.get(link, 0.0), load)
    return fullest


def _crossed(
    torus: Torus, source: tuple[int, ...], target: tuple[int, ...]
) -> Iterator[tuple[tuple[Link, tuple[int, ...]], float]]:
    """The links that a message crosses, by direction and the chip they leave, with the share they carry."""
    at = list(source)
    for dim, size in enumerate(torus.sizes):
        for direction, hops, share in _ways(torus, dim, source[dim], target[dim]):
            for step in range(hops):
                at[dim] = (source[dim] + direction * step) % size
                yield (link_name(dim, direction), tuple(at)), share
        at[dim] = target[dim]


def link_name(dim: int, direction: int) -> Link:
    """The name of all links of one torus dim in one direction.

    >>> link_name(0, -1)
    'ici:0-'
    """
    return f"ici:{dim}{'+' if direction > 0 else '-'}"


def _ways(torus: Torus, dim: int, source: int, target: int) -> list[tuple[int, int, float]]:
    """(direction, hops, share of the message) from `source` to `target` along one dim."""
    size = torus.sizes[dim]
    up, down = (target - source) % size, (source - target) % size
    if up == 0:
        return []
    if not torus.is_ring(dim):
        return [(1, up, 1.0)] if target > source else [(-1, down, 1.0)]
    if up == down:
        return [(1, up, 0.5), (-1, down, 0.5)]
    return [(1, up, 1.0)] if up < down else [(-1, down, 1.0)]
