"""What one collective costs on a network: seconds on the links inside a slice, and between slices.

Source of every formula: docs/pages/cost_model.md, "Collectives".
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from axisrules.analysis.interconnect import (
    BETWEEN,
    SWITCH,
    Interconnect,
    Link,
    Span,
    Switch,
    Torus,
    link_loads,
    link_name,
    spans_of,
)

Groups = tuple[tuple[int, ...], ...]
"""Replica groups, or for a permute its (source, target) pairs: positions in the mesh, row-major."""

PASSES = {"all-gather": 1, "reduce-scatter": 1, "all-reduce": 2}
"""How often the whole array goes around: an all-reduce is a reduce-scatter and an all-gather."""


@dataclass(frozen=True, slots=True)
class CollectiveTime:
    """Seconds that a collective keeps its links busy: inside the slice, and between slices.

    Both networks work at once on different parts of the array, so that the collective itself takes
    the longer of the two. `links` are those that nothing else can use meanwhile.
    """

    inside_seconds: float = 0.0
    between_seconds: float = 0.0
    links: tuple[Link, ...] = ()

    @property
    def seconds(self) -> float:
        """How long the collective takes when nothing else uses its links."""
        return max(self.inside_seconds, self.between_seconds)


@lru_cache(maxsize=4096)
def collective_time(kind: str, payload_bytes: int, groups: Groups, network: Interconnect) -> CollectiveTime:
    """The time of one collective whose slowest group decides.

    `payload_bytes` is what the ledger calls payload: the whole array that an all-gather leaves behind, that
    a reduce-scatter or an all-reduce begins with, and per device what an all-to-all or a permute sends.
    """
    if kind in ("collective-permute", "send", "recv"):
        return _permute_time(payload_bytes, groups, network)
    times = [_group_time(kind, payload_bytes, shape, network) for shape in _shapes(groups, network)]
    return max(times, key=lambda time: time.seconds, default=CollectiveTime())


@dataclass(frozen=True, slots=True)
class _GroupShape:
    """How a group lies in the network: members in each slice, slices, and its spans inside one of them."""

    size: int
    per_slice: int
    slices: int
    spans: tuple[Span, ...]
    cores: int
    ring_load: float = 0.0  # for a group that is no box: the messages on the fullest link of its ring


def _shapes(groups: Groups, network: Interconnect) -> list[_GroupShape]:
    """The different shapes among `groups`; members that stand alone cost nothing."""
    inside = network.inside
    found: dict[_GroupShape, None] = {}
    odd: list[tuple[int, ...]] = []
    for group in groups:
        places = [network.places[member] for member in group]
        first = [place for place in places if place.island == places[0].island]
        slices = len({place.island for place in places})
        cores = len({place.core for place in first})
        spans = () if isinstance(inside, Switch) else spans_of(inside, [place.coords for place in first])
        if spans is None:
            odd.append(group)
        elif len(group) > 1:
            found[_GroupShape(len(group), len(first), slices, spans, cores)] = None
    if odd and isinstance(inside, Torus):
        found[_ring_shape(odd, network, inside)] = None
    return list(found)


def _ring_shape(groups: Sequence[tuple[int, ...]], network: Interconnect, torus: Torus) -> _GroupShape:
    """Groups that are no boxes in the torus pass their parts around in the order that they are listed."""
    pairs = []
    for group in groups:
        chips = [network.places[member].coords for member in group]
        pairs += [*pairwise(chips), (chips[-1], chips[0])]
    slices = max(len({network.places[member].island for member in group}) for group in groups)
    size = max(len(group) for group in groups)
    load = max(link_loads(torus, pairs).values(), default=1.0)
    return _GroupShape(size, size // slices, slices, (), network.cores_per_chip, ring_load=load)


def _group_time(kind: str, payload_bytes: int, shape: _GroupShape, network: Interconnect) -> CollectiveTime:
    between, inside = 0.0, 0.0
    links: tuple[Link, ...] = ()
    if shape.slices > 1:
        between = _between_seconds(kind, payload_bytes, shape, network)
        links = (BETWEEN,)
    if shape.per_slice > 1:
        if isinstance(network.inside, Switch):
            inside = _switch_seconds(kind, payload_bytes, shape, network.inside)
            links = (*links, SWITCH)
        else:
            inside = _torus_seconds(kind, payload_bytes, shape, network, network.inside)
            links = (*links, *_torus_links(shape, network.inside))
    return CollectiveTime(inside, between, links)


def _torus_links(shape: _GroupShape, torus: Torus) -> list[Link]:
    dims = [span.dim for span in shape.spans] if shape.spans else range(len(torus.sizes))
    return [link_name(dim, direction) for dim in dims for direction in (1, -1)]


def _torus_seconds(
    kind: str, payload_bytes: int, shape: _GroupShape, network: Interconnect, torus: Torus
) -> float:
    """Bandwidth or latency, whichever takes longer. Source: cost_model.md, "On a torus"."""
    # Cores of one chip in different groups share its links; those of one group share what arrives.
    link = torus.link_bytes_per_second * shape.cores / network.cores_per_chip
    chips = max(shape.per_slice // shape.cores, 1)
    if kind == "all-to-all":
        hops = sum(span.hops for span in shape.spans)
        per_chip = payload_bytes * shape.cores
        busiest = max(
            (span.count * span.stride / span.directions for span in shape.spans), default=shape.ring_load
        )
        return max(torus.hop_seconds * hops, per_chip * busiest / 4 / link)
    passes = PASSES.get(kind, 1)
    if not shape.spans:
        moved = payload_bytes * (chips - 1) / chips * max(shape.ring_load, 1.0) if chips > 1 else 0.0
        return passes * max(torus.hop_seconds * (chips - 1), moved / link)
    hops = sum(span.hops for span in shape.spans)
    bandwidth = link * sum(span.directions / span.stride for span in shape.spans)
    return passes * max(torus.hop_seconds * hops, payload_bytes * (chips - 1) / chips / bandwidth)


def _switch_seconds(kind: str, payload_bytes: int, shape: _GroupShape, switch: Switch) -> float:
    """Bandwidth or latency, whichever takes longer. Source: cost_model.md, "Through a switch"."""
    others = (shape.per_slice - 1) / (shape.size if kind == "all-to-all" else shape.per_slice)
    latency = switch.hop_seconds * math.ceil(math.log2(shape.per_slice))
    return PASSES.get(kind, 1) * max(latency, payload_bytes * others / switch.bytes_per_second)


def _between_seconds(kind: str, payload_bytes: int, shape: _GroupShape, network: Interconnect) -> float:
    """The part of a collective that leaves its slice. Source: cost_model.md, "Between slices and nodes"."""
    between = network.between
    latency = between.hop_seconds * math.ceil(math.log2(shape.slices))
    if kind == "all-to-all":
        leaving = payload_bytes * (shape.size - shape.per_slice) / shape.size
        return max(latency, leaving / between.bytes_per_second)
    leaving = payload_bytes * (shape.slices - 1) / shape.slices
    bandwidth = between.bytes_per_second * shape.per_slice
    return PASSES.get(kind, 1) * max(latency, leaving / bandwidth)


def _permute_time(payload_bytes: int, pairs: Groups, network: Interconnect) -> CollectiveTime:
    """Messages go the shortest ways, and the fullest link decides. Source: cost_model.md, "Permutes"."""
    places = [
        (network.places[source], network.places[target]) for source, target in pairs if source != target
    ]
    inside = [(a.coords, b.coords) for a, b in places if a.island == b.island]
    crossing = [(a, b) for a, b in places if a.island != b.island]
    between = (
        network.between.hop_seconds + payload_bytes / network.between.bytes_per_second if crossing else 0.0
    )
    links: tuple[Link, ...] = (BETWEEN,) if crossing else ()
    if not inside:
        return CollectiveTime(0.0, between, links)
    if isinstance(network.inside, Switch):
        seconds = max(network.inside.hop_seconds, payload_bytes / network.inside.bytes_per_second)
        return CollectiveTime(seconds, between, (*links, SWITCH))
    loads = link_loads(network.inside, inside)
    fullest = max(loads.values(), default=0.0)
    seconds = payload_bytes * fullest / network.inside.link_bytes_per_second
    return CollectiveTime(max(network.inside.hop_seconds, seconds), between, (*links, *loads))
