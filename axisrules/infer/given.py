"""Seeds laid onto places: which name was given to which dim, and what is wrong with the seeds themselves."""

import difflib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from axisrules.axes import LogicalAxis, PathPattern, PatternSet
from axisrules.infer.axis_union import Node
from axisrules.infer.inference import Contradiction, Suspect, UnusedSeed
from axisrules.infer.record import Dims
from axisrules.infer.traced import Place, Seed


@dataclass(frozen=True, slots=True)
class Given:
    """One dim of one array with the name that a seed gives it."""

    node: Node
    name: LogicalAxis
    place: Place
    dim: int
    origin: str

    @property
    def suspect(self) -> Suspect:
        """The same as part of a contradiction."""
        return Suspect(self.place, self.dim, self.name, self.origin)


@dataclass(frozen=True, slots=True)
class SeedReading:
    """What seeds say of a graph, and the seeds that say nothing."""

    given: tuple[Given, ...]
    misfits: tuple[Contradiction, ...]
    unused: tuple[UnusedSeed, ...]


def read_seeds(arrays: Mapping[Place, tuple[Dims, Any]], seeds: Sequence[Seed]) -> SeedReading:
    """Every name that `seeds` give to dims of `arrays`.

    Of the seeds that match one array the most literal pattern speaks; several as literal speak together.
    """
    by_kind: dict[str, list[Seed]] = defaultdict(list)
    for seed in seeds:
        by_kind[seed.kind].append(seed)
    patterns = {kind: PatternSet(PathPattern(s.pattern) for s in found) for kind, found in by_kind.items()}
    given: list[Given] = []
    misfits: list[Contradiction] = []
    used: set[int] = set()
    for place, (dims, _) in arrays.items():
        if place.kind not in patterns:
            continue
        matching = [by_kind[place.kind][number] for number in patterns[place.kind].matching(place.path)]
        used.update(map(id, matching))
        for seed in _most_literal(matching):
            if len(seed.names) != len(dims):
                misfits.append(_misfit(place, dims, seed))
                continue
            given += [
                Given(node, name, place, dim, seed.origin)
                for dim, (node, name) in enumerate(zip(dims, seed.names, strict=True))
                if name is not None
            ]
    unused = tuple(_unused(seed, arrays) for seed in seeds if id(seed) not in used)
    return SeedReading(tuple(given), tuple(misfits), unused)


def _most_literal(seeds: Sequence[Seed]) -> list[Seed]:
    lengths = [PathPattern(seed.pattern).literal_length for seed in seeds]
    return [seed for seed, length in zip(seeds, lengths, strict=True) if length == max(lengths)]


def _misfit(place: Place, dims: Dims, seed: Seed) -> Contradiction:
    names = tuple(name for name in seed.names if name is not None)
    why = f"{len(seed.names)} names for the {len(dims)} dims of {place.path}"
    return Contradiction("rank", names, (Suspect(place, None, None, seed.origin),), why)


def _unused(seed: Seed, arrays: Mapping[Place, object]) -> UnusedSeed:
    paths = [place.path for place in arrays if place.kind == seed.kind]
    return UnusedSeed(seed, tuple(difflib.get_close_matches(seed.pattern, paths, n=3)))
