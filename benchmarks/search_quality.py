"""The search's answer against everything that it could have answered, on six pairs compiled whole.

python -m benchmarks.search_quality

Each pair's space is compiled candidate by candidate (a journal keeps them, so an interrupted run goes on; the
first one takes hours), and those near the best through code generation too: all within a tenth of it, but at
least 8 and at most 24. The referee is the full compile's time where there is one, else the fast path's times
the pair's median ratio of the two; that no other could be the best is held against the smallest ratio. The
search then runs with results looked up instead of compiled, by the same code and with its own budget.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import median

from axisrules.evidence import ERROR_BAR, Compiling
from axisrules.search import (
    Budget,
    Candidate,
    Scored,
    ScoreProgress,
    SearchResult,
    Space,
    search,
)
from benchmarks.rank_order import largest_reversal
from benchmarks.report import Figure, publish
from benchmarks.search_enumeration import enumerate_pair
from benchmarks.search_pairs import PAIRS, Pair
from benchmarks.search_rivals import closed_forms, presets, thumb

NEAR = 0.10
FULL_AT_LEAST, FULL_AT_MOST = 8, 24
Scores = Mapping[Candidate, Scored]


def looked_up(space: Space, fast: Scores, full: Scores) -> SearchResult:
    """The search as users run it, with the enumerated numbers in the place of compilers."""

    def scorer(
        _space: Space, candidates: Sequence[Candidate], how: Compiling, _tell: ScoreProgress
    ) -> Iterator[Scored]:
        known = full if how.mode == "full" else fast
        return (known[one] for one in candidates)

    return search(space, budget=Budget(scorer=scorer))


def refereed(fast: Scores, full: Scores) -> Scores:
    """Every candidate as the full compile has it, or as it would if its ratio were the median one."""
    ratios = ratios_of(fast, full)
    ratio = median(ratios) if ratios else 1.0
    scaled = {one: replace(found, seconds=_seconds(found) * ratio) for one, found in fast.items()}
    return {**scaled, **{one: found for one, found in full.items() if found.seconds}}


def seconds_of(one: Candidate | None, referee: Scores) -> float:
    """The referee's time; infinite where it does not fit."""
    if one is None:
        return float("inf")
    found = referee[one]
    return _seconds(found) if found.fits() else float("inf")


def near_the_best(fast: Scores) -> list[Candidate]:
    """The candidates that are compiled in full."""
    fitting = sorted((one for one in fast.values() if one.seconds and one.fits()), key=_seconds)
    near = sum(_seconds(one) <= _seconds(fitting[0]) * (1 + NEAR) for one in fitting)
    return [one.candidate for one in fitting[: min(max(near, FULL_AT_LEAST), FULL_AT_MOST)]]


def figures_of(pair: Pair) -> Iterator[Figure]:
    """How good the answer is, what it cost, and how the rivals do."""
    space = pair.space()
    fast = enumerate_pair(pair, space)
    full = enumerate_pair(pair, space, "full", near_the_best(fast)) if space.target.platform == "tpu" else {}
    referee = refereed(fast, full)
    best = min(space.candidates, key=lambda one: seconds_of(one, referee))
    least = seconds_of(best, referee)
    result = looked_up(space, fast, referee)
    found = seconds_of(result.best.candidate if result.best else None, referee)
    yield Figure(f"{pair.name}: candidates", len(space), at_least=200)
    yield Figure(f"{pair.name}: of them fit", sum(one.fits() and bool(one.seconds) for one in fast.values()))
    yield Figure(f"{pair.name}: could not be compiled", sum(bool(one.error) for one in fast.values()))
    yield Figure(f"{pair.name}: best step", least * 1e3, "ms")
    yield Figure(f"{pair.name}: the answer's regret", (found / least - 1) * 100, "%", at_most=3)
    yield Figure(f"{pair.name}: compiled", result.compiled / len(space) * 100, "%", at_most=15)
    yield from bounds_kept(pair, space, best, fast)
    for name, rival in rivals(pair, space, referee):
        theirs = seconds_of(rival, referee)
        lead = float("inf") if theirs == float("inf") else (theirs / found - 1) * 100
        yield Figure(f"{pair.name}: ahead of {name}", lead, "%", at_least=0)
    if full:
        yield from against_full(pair, fast, full, least)


def against_full(pair: Pair, fast: Scores, full: Scores, least: float) -> Iterator[Figure]:
    """How far the fast path can be trusted to order layouts as the full compile does."""
    ratios = ratios_of(fast, full)
    yield Figure(f"{pair.name}: compiled in full", len(ratios))
    yield Figure(f"{pair.name}: full over fast, median", median(ratios))
    yield Figure(f"{pair.name}: full over fast, spread", (max(ratios) / min(ratios) - 1) * 100, "%")
    limit = ERROR_BAR * 100
    known = [one for one in full if full[one].seconds]
    reversal = largest_reversal(*([_seconds(scores[one]) for one in known] for scores in (fast, full)))
    yield Figure(f"{pair.name}: ordered otherwise, up to", reversal, "%", at_most=limit)
    others = [one for candidate, one in fast.items() if candidate not in full and one.fits()]
    better = sum(_seconds(one) * min(ratios) < least for one in others)
    yield Figure(f"{pair.name}: others that could be the best", better, at_most=0)


def bounds_kept(pair: Pair, space: Space, best: Candidate, fast: Scores) -> Iterator[Figure]:
    """Bounds are lower than what the compiler found, for every candidate; so the best is never left out."""
    known = [one for one in fast.values() if one.seconds and one.needed_bytes]
    late = sum(space.bounds(one.candidate).seconds > _seconds(one) for one in known)
    large = sum(space.bounds(one.candidate).state_bytes > (one.needed_bytes or 0) for one in known)
    bounds = space.bounds(best)
    yield Figure(f"{pair.name}: bounds above the estimate", late + large, at_most=0)
    fits = bounds.state_bytes <= space.target.chip.compile_limit_bytes
    yield Figure(f"{pair.name}: the best left out by a bound", float(not fits), at_most=0)


def rivals(pair: Pair, space: Space, referee: Scores) -> Iterator[tuple[str, Candidate | None]]:
    """Each rival's choice; of a preset, its best mesh."""
    yield "the rule of thumb", thumb(space)
    yield from closed_forms(pair, space)
    best: dict[str, Candidate] = {}
    for name, one in presets(space):
        preset = name.split()[0]
        if preset not in best or seconds_of(one, referee) < seconds_of(best[preset], referee):
            best[preset] = one
    yield from best.items()


def ratios_of(fast: Scores, full: Scores) -> list[float]:
    """The full compile's time over the fast path's, of every candidate that was compiled in full."""
    return [
        _seconds(full[one]) / _seconds(fast[one]) for one in full if full[one].seconds and fast[one].seconds
    ]


def _seconds(one: Scored) -> float:
    return one.seconds or float("inf")


def main() -> int:
    """0 when the search is good enough on every pair."""
    return publish("search_quality", [figure for pair in PAIRS for figure in figures_of(pair)])


if __name__ == "__main__":
    sys.exit(main())
