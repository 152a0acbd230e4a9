"""Layers over stages so that the dearest stage is as cheap as can be."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

# Bottleneck, sum of squares and counts of the stages that have their layers.
SoFar = tuple[float, float, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Split:
    """How many layers each stage has, first to last, and what each stage then costs."""

    counts: tuple[int, ...]
    costs: tuple[float, ...]

    @property
    def bottleneck(self) -> float:
        """What the dearest stage costs."""
        return max(self.costs)

    @property
    def imbalance(self) -> float:
        """By how much the dearest stage is above the mean: 0.1 makes every tick 10% longer."""
        return imbalance(self.costs)


@dataclass(frozen=True, slots=True)
class PartCosts:
    """What the parts of a model cost: each layer, what comes `first` (the embedding), and the head, `last`.

    Pipelines run in lockstep, without a branch by device: where the head `is_spread`, as it is here, every
    device works on what comes first and on its share of the head. Else the first stage has the one alone
    and the last stage the other, as in a pipeline whose devices run programs of their own.
    """

    layers: tuple[float, ...]
    first: float = 0.0
    last: float = 0.0
    is_spread: bool = True

    def split(self, counts: Sequence[int], stages: int) -> Split:
        """What stages of these layers cost; on `stages` devices, each of which may have several."""
        if not self.is_spread:
            return Split(tuple(counts), _stage_costs(self.layers, counts, self.first, self.last))
        own = _stage_costs(self.layers, counts, 0.0, 0.0)
        return Split(tuple(counts), tuple(cost + self.first + self.last / stages for cost in own))

    def even(self, stages: int, repeats: int = 1) -> Split:
        """The split by count alone."""
        return self.split(even_split(self.layers, stages * repeats).counts, stages)

    def balanced(self, stages: int, repeats: int = 1) -> Split:
        """The contiguous split with the least bottleneck."""
        first, last = (0.0, 0.0) if self.is_spread else (self.first, self.last)
        return self.split(balance(self.layers, stages * repeats, first=first, last=last).counts, stages)


def imbalance(costs: Sequence[float]) -> float:
    """By how much the dearest is above the mean.

    >>> imbalance([1.0, 1.0, 1.0, 3.0])
    1.0
    """
    mean = sum(costs) / len(costs)
    return max(0.0, max(costs) / mean - 1) if mean else 0.0


def even_split(costs: Sequence[float], stages: int, *, first: float = 0.0, last: float = 0.0) -> Split:
    """The split by count alone, the first stages a layer more where they do not divide."""
    layers = len(costs)
    counts = tuple(layers // stages + (stage < layers % stages) for stage in range(stages))
    return Split(counts, _stage_costs(costs, counts, first, last))


def balance(costs: Sequence[float], stages: int, *, first: float = 0.0, last: float = 0.0) -> Split:
    """The contiguous split of layers that cost `costs` with the least bottleneck, by dynamic programming.

    `first` is what the first stage has besides layers (the embedding), `last` what the last one has (the
    head), beside which a stage may have no layer at all. Of splits alike in their bottleneck, the one with
    the least sum of squares is taken. Costs are not negative.

    >>> balance([1.0] * 6, stages=3, last=1.5).counts
    (2, 3, 1)
    """
    layers = len(costs)
    before = [0.0, *accumulate(costs)]
    # best[n] has the first n layers on the stages so far.
    best: list[SoFar] = [(0.0, 0.0, ())]
    best += [(math.inf, 0.0, ())] * layers
    for stage in range(stages):
        extra = first * (stage == 0) + last * (stage == stages - 1)
        grown = []
        for end in range(layers + 1):
            options = (
                _joined(best[start], end - start, before[end] - before[start] + extra)
                for start in range(end + 1)
            )
            grown.append(min(options))
        best = grown
    counts = best[layers][2]
    return Split(counts, _stage_costs(costs, counts, first, last))


def _joined(so_far: SoFar, count: int, cost: float) -> SoFar:
    bottleneck, squares, counts = so_far
    return max(bottleneck, cost), squares + cost * cost, (*counts, count)


def _stage_costs(
    costs: Sequence[float], counts: Sequence[int], first: float, last: float
) -> tuple[float, ...]:
    before = [0.0, *accumulate(costs)]
    ends = [0, *accumulate(counts)]
    whole = [before[b] - before[a] for a, b in pairwise(ends)]
    whole[0] += first
    whole[-1] += last
    return tuple(whole)
