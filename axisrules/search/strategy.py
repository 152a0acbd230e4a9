"""Which candidates to compile next. A strategy sees what has been compiled, and never a closed formula."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import erf, log, pi, sqrt
from typing import Protocol

import numpy as np

from axisrules.search.candidate import Candidate
from axisrules.search.score import Scored
from axisrules.search.space import Space
from axisrules.search.surrogate import Belief, believe, features
from axisrules.search.table import DATA, EXPERT, FSDP, TENSOR

# Below this part of a step, what may still be gained is not worth a compile.
WORTH = 0.003
FEWEST = 6
TENSOR_STARTS = (2, 4, 8)


class Strategy(Protocol):
    """Anything that proposes what to compile next."""

    def propose(
        self, space: Space, left: Sequence[Candidate], seen: Sequence[Scored], count: int
    ) -> Sequence[Candidate]:
        """At most `count` of `left`, given what is `seen`; none when nothing more is worth a compile."""


@dataclass(frozen=True)
class ExpectedGain:
    """Starts from plain layouts, then takes what is expected to gain most over the best, and fits.

    When little is expected anywhere, what differs from the best in one choice is tried as well: if nothing
    of it is better, the best is the best of its neighbourhood, and why can be said choice by choice.

    Source of the gain: Jones, Schonlau and Welch 1998, "Efficient global optimization", equation 15.
    """

    worth: float = WORTH

    def propose(
        self, space: Space, left: Sequence[Candidate], seen: Sequence[Scored], count: int
    ) -> Sequence[Candidate]:
        """The most promising of `left`."""
        known = [one for one in seen if one.seconds]
        able = set(left)
        waiting = [one for one in starts(space) if one in able]
        if waiting and len(seen) < FEWEST:
            return waiting[:count]
        if len(known) < 2:
            return left[:count]
        return list(self._gaining(space, left, known, count))

    def _gaining(
        self, space: Space, left: Sequence[Candidate], known: Sequence[Scored], count: int
    ) -> Iterator[Candidate]:
        """One after the other, each time as if the last one had come out as expected."""
        limit = space.constraints.hbm
        fitting = [one for one in known if one.fits(limit)]
        best = min(fitting or known, key=lambda one: one.seconds or 0.0)
        rows, asked = features([one.candidate for one in known], space.roles), features(left, space.roles)
        seconds = np.log([one.seconds or 1.0 for one in known])
        room = np.log([max(_filled(one, limit), 1e-6) for one in known])
        near = np.array([differences(best.candidate, one) == 1 for one in left])
        taken: list[int] = []
        for _ in range(min(count, len(left))):
            time, memory = believe(rows, seconds, asked), believe(rows, room, asked)
            gain = _gain(time, log(best.seconds or 1.0), has_best=bool(fitting)) * _chance(memory)
            gain[taken] = -1.0
            choice = int(gain.argmax())
            if gain[choice] < self.worth:
                gain = np.where(near & (_chance(memory) > 0.05), np.maximum(gain, 0.0) + 1e-9, -1.0)
                gain[taken] = -1.0
                choice = int(gain.argmax())
                if gain[choice] <= 0:
                    return
            taken.append(choice)
            yield left[choice]
            rows = np.vstack([rows, asked[choice]])
            seconds, room = np.append(seconds, time.mean[choice]), np.append(room, memory.mean[choice])


def starts(space: Space) -> list[Candidate]:
    """Plain layouts that lie far apart: one kind of parallelism each, and `tensor` in a few sizes."""
    every = tuple(axis for group in space.roles.groups for axis in group.axes)
    plain = [
        one
        for one in space.candidates
        if one.cut in ((), every) and one.accumulate == 1 and one.sharded == "params"
    ]
    found: list[Candidate] = []
    for axis in (FSDP, DATA, EXPERT):
        found += [one for one in plain if len(one.sizes) == 1 and one.size(axis) > 1][:1]
    for ways in TENSOR_STARTS:
        with_tensor = [one for one in plain if one.size(TENSOR) == ways and len(one.sizes) == 2]
        found += sorted(with_tensor, key=lambda one: (-one.size(FSDP), not one.cuts_positions))[:1]
    found += [one for one in plain if one.remat == "full" and len(one.sizes) == 1 and one.size(FSDP) > 1][:1]
    found += [one for one in plain if one.schedule and len(one.sizes) == 2][:1]
    return list(dict.fromkeys(found or plain or list(space.candidates)))


def differences(first: Candidate, second: Candidate) -> int:
    """In how many choices two candidates differ; one factor moved between two mesh axes is one."""
    same_mesh = first.sizes == second.sizes
    settings = ("cuts_positions", "sharded", "remat", "accumulate", "microbatches", "crossing")
    count: int = sum(getattr(first, name) != getattr(second, name) for name in settings)
    count += len(set(first.cut) ^ set(second.cut)) > 0
    if same_mesh:
        return count
    moved = {axis for axis, _ in {*first.sizes} ^ {*second.sizes}}
    # What a new mesh brings with it is no choice of its own: nothing is cut over `tensor` without one.
    alike = replace(second, sizes=first.sizes, cut=first.cut, cuts_positions=first.cuts_positions)
    return len(moved) - 1 + differences(first, alike) if len(moved) <= 2 else len(moved) + count


def _filled(one: Scored, limit: float) -> float:
    """The part of the memory that may be filled, as the candidate fills it; above 1 it does not fit."""
    return (one.needed_bytes or 0) / (limit * one.hbm_bytes) if one.hbm_bytes else 0.5


def _chance(memory: Belief) -> np.ndarray:
    """How likely each candidate is to fit."""
    return _normal(-memory.mean / memory.deviation)


def _gain(time: Belief, best: float, *, has_best: bool) -> np.ndarray:
    """The gain over `best` to expect, in parts of it; before anything fits, anything that does is a gain."""
    if not has_best:
        return np.ones_like(time.mean)
    better = best - time.mean
    ratio = better / time.deviation
    density = np.exp(-(ratio**2) / 2) / sqrt(2 * pi)
    gain: np.ndarray = better * _normal(ratio) + time.deviation * density
    return gain


def _normal(values: np.ndarray) -> np.ndarray:
    """The normal distribution function."""
    return np.array([(1 + erf(value / sqrt(2))) / 2 for value in np.clip(values, -30, 30)])
