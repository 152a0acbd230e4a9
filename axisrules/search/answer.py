"""Why the best is the best, choice by choice: the numbers of each candidate that was left for it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from axisrules.search.candidate import Candidate
from axisrules.search.result import SearchResult
from axisrules.search.score import Scored
from axisrules.search.strategy import differences
from axisrules.search.table import MESH_AXES, STAGE

GB = 1e9


@dataclass(frozen=True, slots=True)
class Reason:
    """A choice of the best, against the nearest candidate that has another one.

    `choice` and `instead` are words; `slower` is the part of a step that `instead` takes longer, None
    where it does not fit; `why` has the numbers. `is_tie` says that the difference is within the error.
    """

    choice: str
    instead: str
    slower: float | None
    why: str
    is_tie: bool = False

    def __str__(self) -> str:
        return f"{self.choice} rather than {self.instead}: {self.why}"


def reasons(result: SearchResult) -> tuple[Reason, ...]:
    """A reason for every choice that was put to the test, what matters most first.

    Each compares the best with a compiled candidate that differs from it in one choice, or with a layout
    that bounds ruled out. Where no such candidate was compiled nothing is said.
    """
    best = result.best
    if not best:
        return ()
    compared = [*_compiled(best, result), *_ruled_out(best, result)]
    by_choice: dict[tuple[str, str], Reason] = {}
    for reason in sorted(compared, key=_weight):
        by_choice.setdefault((reason.choice, reason.instead), reason)
    return tuple(by_choice.values())


def nearly_won(result: SearchResult, count: int = 3) -> tuple[Scored, ...]:
    """The fastest that fit after the best."""
    return result.ranking[1 : 1 + count]


def _weight(reason: Reason) -> tuple[bool, float]:
    """What does not fit first, then what is slowest; ties last."""
    return (reason.is_tie, -(reason.slower if reason.slower is not None else 1e9))


def _compiled(best: Scored, result: SearchResult) -> Iterator[Reason]:
    # Numbers of the same path: the full compile's cycles are not held against fast ones.
    fast = {one.candidate: one for one in result.scored}
    own = fast.get(best.candidate, best)
    for other in result.scored:
        if other.error or not other.seconds or differences(best.candidate, other.candidate) != 1:
            continue
        choice, instead = changed(best.candidate, other.candidate)
        if not other.fits(result.space.constraints.hbm):
            yield Reason(choice, instead, None, _does_not_fit(other, result))
        elif own.seconds:
            slower = other.seconds / own.seconds - 1
            is_tie = abs(slower) <= result.error
            way = "slower" if slower > 0 else "faster"
            words = "as fast, within the error" if is_tie else f"{abs(slower):.0%} {way}"
            yield Reason(choice, instead, slower, f"{words}{_because(own, other)}", is_tie)


def _ruled_out(best: Scored, result: SearchResult) -> Iterator[Reason]:
    """Plainer meshes than the best's that the state alone rules out: one axis' devices given to `data`."""
    space = result.space
    if space.target.is_local:
        return
    room = space.constraints.hbm * space.target.chip.compile_limit_bytes
    seen: set[tuple[tuple[str, int], ...]] = set()
    for other in space.candidates:
        if other.sizes in seen or other.sharded != "params" or not _is_plainer(other, best.candidate):
            continue
        seen.add(other.sizes)
        held = space.bounds(other).state_bytes
        if held > room:
            choice, instead = changed(best.candidate, replace(best.candidate, sizes=other.sizes))
            why = f"the state alone would take {held / GB:,.1f} GB of {room / GB:,.1f} GB"
            yield Reason(choice, instead, None, why)


def _is_plainer(other: Candidate, best: Candidate) -> bool:
    """Whether the other mesh is the best's with one of its axes given to `data`."""
    gone = [axis for axis in MESH_AXES if best.size(axis) > 1 and other.size(axis) == 1 and axis != "data"]
    kept = [axis for axis in MESH_AXES if axis not in (*gone, "data")]
    return len(gone) == 1 and all(other.size(axis) == best.size(axis) for axis in kept)


def _does_not_fit(other: Scored, result: SearchResult) -> str:
    limit = result.space.constraints.hbm * (other.hbm_bytes or 0)
    return f"would take {(other.needed_bytes or 0) / GB:,.1f} GB of {limit / GB:,.1f} GB"


def changed(best: Candidate, other: Candidate) -> tuple[str, str]:
    """What the best has, and what the other has in its place, in words."""
    for name, words in _SETTINGS.items():
        # A mesh without `tensor` leaves sequences whole: that comes with it, and is no choice of its own.
        follows = name == "cuts_positions" and best.sizes != other.sizes
        if getattr(best, name) != getattr(other, name) and not follows:
            return words(best), words(other)
    if set(best.cut) != set(other.cut) and best.sizes == other.sizes:
        more, less = set(best.cut) - set(other.cut), set(other.cut) - set(best.cut)
        parts = [f"{' and '.join(sorted(names))} cut over tensor" for names in (more,) if names]
        parts += [f"{' and '.join(sorted(less))} whole"] if less else []
        other_parts = [f"{' and '.join(sorted(more))} whole"] if more else []
        other_parts += [f"{' and '.join(sorted(less))} cut over tensor"] if less else []
        return ", ".join(parts), ", ".join(other_parts)
    axes = [axis for axis in MESH_AXES if best.size(axis) != other.size(axis)]
    return tuple(  # type: ignore[return-value]
        ",".join(f"{axis}={one.size(axis)}" for axis in axes) for one in (best, other)
    )


_SETTINGS: dict[str, Callable[[Candidate], str]] = {
    "remat": lambda one: "no remat" if one.remat == "none" else f"{one.remat} remat",
    "accumulate": lambda one: f"accumulate = {one.accumulate}",
    "schedule": lambda one: one.schedule or "no pipeline",
    "microbatches": lambda one: f"{one.microbatches} microbatches",
    "sharded": lambda one: "parameters over fsdp" if one.sharded == "params" else "optimizer state alone",
    "crossing": lambda one: f"{one.crossing or 'nothing'} across slices",
    "cuts_positions": lambda one: "sequence parallelism" if one.cuts_positions else "whole sequences",
}


def _because(best: Scored, other: Scored) -> str:
    """The part of the step's time that changed most, and by how much."""
    before, after = _by_term(best), _by_term(other)
    changes = {key: after.get(key, 0.0) - before.get(key, 0.0) for key in {**before, **after}}
    if other.candidate.size(STAGE) > 1 and other.bubble > 0.05:
        return f", its devices waiting for {other.bubble:.0%} of the time"
    if not changes:
        return ""
    slower = (other.seconds or 0.0) >= (best.seconds or 0.0)
    key = max(changes, key=lambda term: changes[term] if slower else -changes[term])
    if (changes[key] > 0) is not slower:
        return ""
    return f", {key} {before.get(key, 0.0) * 1e3:,.1f} ms here, {after.get(key, 0.0) * 1e3:,.1f} ms there"


def _by_term(one: Scored) -> dict[str, float]:
    found: dict[str, float] = {}
    for term in one.terms:
        found[term.words] = found.get(term.words, 0.0) + term.seconds
    return found
