"""A search in words: what its space is, what a candidate cuts, how near two of them are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from axisrules.diagnostics import printable
from axisrules.report.columns import NOTHING
from axisrules.report.quantities import counted, percent, readable_bytes, readable_seconds
from axisrules.report.step_time import is_high

if TYPE_CHECKING:
    from axisrules.mesh import Target
    from axisrules.search import Bounds, Candidate, Conclusion, Reason, Scored, SearchResult

MOST_REASONS = 10


def candidate_words(one: Candidate) -> str:
    """What a candidate cuts over which mesh axes, and how its step is run."""
    cut = [*one.cut, *(["positions"] if one.cuts_positions else [])]
    parts = [f"tensor cuts {', '.join(map(printable, cut))}"] if cut else []
    if one.size("fsdp") > 1:
        parts.append("fsdp cuts " + ("parameters" if one.sharded == "params" else "optimizer state alone"))
    parts += [f"{one.remat} remat"] if one.remat != "none" else []
    parts += [f"batch in {one.accumulate} parts"] if one.accumulate > 1 else []
    parts += [f"{one.schedule} of {one.microbatches} microbatches"] if one.schedule else []
    parts += [f"{one.crossing} goes across {one.slices} slices"] if one.crossing else []
    return "; ".join(parts) or "the batch alone is cut"


def bounds_words(one: Candidate, bounds: Bounds, target: Target, hbm: float = 1.0) -> str:
    """A candidate before it is compiled: `fsdp=16: state 1.30 GiB of 15.8 GiB`.

    `hbm` is the part of a device's memory that may be filled.
    """
    held = f"{printable(str(one))}: state {readable_bytes(bounds.state_bytes)}"
    if target.is_local:
        return held
    return f"{held} of {readable_bytes(int(hbm * target.chip.compile_limit_bytes))}"


def space_words(result: SearchResult) -> Iterator[str]:
    """How many layouts there are, what was left out and ruled out, and how many were compiled."""
    space = result.space
    yield f"{counted(len(space), 'layout')} on {space.target}"
    if space.removed:
        yield f"left out: {_listed(space.removed)}"
    if result.pruned:
        yield f"ruled out by bounds: {_listed(result.pruned)}"
    done = "measured" if space.target.is_local else "compiled"
    most = f"{result.compiled} {done} ({percent(result.compiled / len(space))} of them)"
    again = "run again for longer" if space.target.is_local else "in full as well"
    last = f", {len(result.finalists)} {again}" if result.finalists else ""
    yield f"{most}{last}, in {readable_seconds(result.seconds)}"


def _listed(counts: dict[str, int]) -> str:
    return "; ".join(f"{count:,} for {why}" for why, count in counts.items())


def gap_words(one: Scored, result: SearchResult) -> str:
    """How much slower than the best: `best`, `tie`, `+12%`."""
    best = result.best
    if best is None or one.seconds is None or best.seconds is None:
        return NOTHING
    if one.candidate == best.candidate:
        return "best"
    words = f"{one.seconds / best.seconds - 1:+.0%}"
    return f"{words} (tie)" if one in result.ties else words


def basis_words(one: Scored) -> str:
    """Where a time comes from: `measured`, the full compile's replay, or the fast compile's estimate."""
    return "measured" if one.is_measured else one.mode


def exposed_words(one: Scored) -> str:
    """The share of a step that communication adds, with a mark where it is high."""
    if not one.seconds or not one.terms:
        return NOTHING
    share = one.exposed_seconds / one.seconds
    return percent(share) + (" !" if is_high(share) else "")


def tie_words(result: SearchResult) -> str:
    """How many cannot be told from the best, and by what error."""
    sure = f"the order is sure where times differ by more than {percent(result.error)}"
    if not result.ties:
        return f"no other layout that was tried is as fast; {sure}"
    ties = counted(len(result.ties), "layout")
    verb = "is" if len(result.ties) == 1 else "are"
    return f"{ties} {verb} too near to the best to be told from it; {sure}"


def best_words(result: SearchResult) -> str:
    """The best in a sentence; what it was chosen for is in the reasons."""
    best = result.best
    if best is None:
        return "nothing that fits was found"
    time = readable_seconds(best.seconds or 0.0)
    how = "measured" if best.is_measured else "by the cost model"
    return f"{printable(str(best.candidate))} is the best found: {time} a step {how}"


def shown_reasons(reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """The reasons that count most; ties only where little else is known."""
    clear = tuple(reason for reason in reasons if not reason.is_tie)
    return (*clear, *(reason for reason in reasons if reason.is_tie))[:MOST_REASONS]


def start_words(conclusion: Conclusion) -> str:
    """What the table that was begun with costs, and what the best gains over it."""
    start, before, result = conclusion.start, conclusion.before, conclusion.result
    assert start is not None, "only asked of a search that began with a table"
    name = printable(start.table.name)
    known = "one of the layouts searched" if start.is_equal else "as it stands"
    if before is None or before.error or before.seconds is None:
        return f"{name}, {known}, could not be compiled"
    words = f"{name}, {known}, takes {readable_seconds(before.seconds)} a step"
    limit = result.space.constraints.hbm
    if not before.fits(limit):
        return f"{words}, if it did fit: it needs {readable_bytes(before.needed_bytes or 0)}"
    best = result.best
    if best is None or best.seconds is None:
        return words
    gain = 1 - best.seconds / before.seconds
    if gain <= 0:
        return f"{words}: nothing faster was found"
    sure = "" if gain > result.error else ", which is within the error"
    return f"{words}; the best takes {percent(gain)} less{sure}"
