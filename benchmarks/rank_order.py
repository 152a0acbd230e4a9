"""How well one list of times orders what another list orders."""

from collections.abc import Sequence
from itertools import permutations


def ranks(values: Sequence[float]) -> list[float]:
    """The place of each value in ascending order; equal values share the mean of their places."""
    ordered = sorted(values)
    return [ordered.index(value) + (ordered.count(value) - 1) / 2 for value in values]


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """The correlation of the ranks of both."""
    a, b = ranks(first), ranks(second)
    mean = (len(a) - 1) / 2
    covariance = sum((x - mean) * (y - mean) for x, y in zip(a, b, strict=True))
    return covariance / (sum((x - mean) ** 2 for x in a) * sum((y - mean) ** 2 for y in b)) ** 0.5


def regret(estimate: Sequence[float], reference: Sequence[float]) -> float:
    """How much slower, in percent, the estimate's first choice is than the best by the reference."""
    chosen = min(range(len(estimate)), key=estimate.__getitem__)
    return (reference[chosen] / min(reference) - 1) * 100


def largest_reversal(estimate: Sequence[float], reference: Sequence[float]) -> float:
    """The largest gain, in percent of the slower, that the estimate promises and the reference denies."""
    promised = [
        1 - estimate[other] / estimate[one]
        for one, other in permutations(range(len(estimate)), 2)
        if estimate[other] < estimate[one] and reference[other] >= reference[one]
    ]
    return max(promised, default=0.0) * 100
