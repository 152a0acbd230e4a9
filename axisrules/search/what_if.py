"""What would change the answer: a slower network, another batch, fewer chips."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from axisrules.adapters import Program
from axisrules.diagnostics import AxisRulesError, render_text
from axisrules.evidence import Compiling
from axisrules.mesh import Target, near_topologies, parse_target
from axisrules.search.candidate import Candidate
from axisrules.search.result import SearchResult
from axisrules.search.score import Scored, score
from axisrules.search.space import Space, make_space
from axisrules.search.table import DATA, EXPERT, FSDP, STAGE, TENSOR

SLOWER = 4.0
RIVALS = 4


@dataclass(frozen=True)
class WhatIf:
    """One change of the question: `ranked` are the leading candidates under it, the best first.

    `answer` says in words what becomes of the order. `is_same` is whether the best stays the best, or ties.
    """

    change: str
    answer: str
    is_same: bool
    ranked: tuple[Scored, ...] = ()


def slower_network(result: SearchResult, factor: float = SLOWER) -> WhatIf:
    """All that was compiled, with every network `factor` times slower and nothing more of it hidden."""
    change = f"a network {factor:g} times slower"
    slowed = [
        replace(one, seconds=one.seconds + (factor - 1) * _network_seconds(one))
        for one in result.ranking
        if one.seconds
    ]
    return _judged(change, slowed, result)


def with_program(result: SearchResult, program: Program, change: str, how: Compiling | None = None) -> WhatIf:
    """The leading candidates compiled for another program of the same axes: one with twice the batch."""
    leading = [one.candidate for one in result.ranking[:RIVALS]]
    return _compiled(change, leading, (program, result.space.target), result, how)


def with_half_the_chips(result: SearchResult, how: Compiling | None = None) -> WhatIf | None:
    """The leading candidates on half as many chips; None where the target comes in no such size."""
    target = half_of(result.space.target)
    if target is None:
        return None
    halved = [smaller for one in result.ranking[:RIVALS] if (smaller := halve(one.candidate))]
    return _compiled(f"half the chips ({target})", halved, (result.space.program, target), result, how)


def half_of(target: Target) -> Target | None:
    """A target of the same chip with half as many of them, as near to its shape as is offered."""
    if target.is_local or target.chip_count % 2:
        return None
    wanted = target.chip_count // 2
    if target.slices % 2 == 0:
        return replace(target, slices=target.slices // 2)
    for text in near_topologies(_halved(target.topology), target.chip.shapes):
        found = parse_target(f"{target.platform}:{target.chip_name}:{text}", slices=target.slices)
        if found.chip_count == wanted:
            return found
    return None


def halve(candidate: Candidate) -> Candidate | None:
    """The candidate on half as many devices: the axis that the batch goes over gives them up."""
    sizes = dict(candidate.sizes)
    for axis in (DATA, FSDP, EXPERT, STAGE, TENSOR):
        if sizes.get(axis, 1) % 2 == 0:
            halved = candidate.with_sizes(sizes | {axis: sizes[axis] // 2})
            is_across = not candidate.crossing or halved.size(candidate.crossing) >= candidate.slices
            return halved if is_across else replace(halved, crossing="", slices=1)
    return None


def _halved(topology: Sequence[int]) -> tuple[int, ...]:
    largest = max(range(len(topology)), key=lambda dim: topology[dim])
    return tuple(sorted(size // 2 if dim == largest else size for dim, size in enumerate(topology)))


def _network_seconds(one: Scored) -> float:
    return sum(term.busy_seconds for term in one.terms if term.is_communication)


def _compiled(
    change: str,
    candidates: Iterable[Candidate],
    question: tuple[Program, Target],
    result: SearchResult,
    how: Compiling | None,
) -> WhatIf:
    try:
        space = make_space(*question, result.space.constraints)
    except AxisRulesError as error:
        return WhatIf(change, render_text(error.diagnostics), is_same=False)
    return _judged(change, list(score(space, list(candidates), how)), result, space)


def _judged(
    change: str, changed: Sequence[Scored], result: SearchResult, space: Space | None = None
) -> WhatIf:
    """The order under a change, in words."""
    limit = result.space.constraints.hbm
    fitting = sorted((one for one in changed if one.seconds and one.fits(limit)), key=_seconds)
    best = result.best
    if not best or not fitting:
        return WhatIf(change, "none of the leading layouts would fit", is_same=False)
    own = next((one for one in fitting if _is_of(one.candidate, best.candidate, space)), None)
    first = fitting[0]
    if own is None:
        answer = f"it would not fit; {first.candidate} would, at {_shown(first)}"
    elif _seconds(own) <= _seconds(first) * (1 + result.error):
        answer = f"it stays the best, at {_shown(own)}"
    else:
        behind = _seconds(own) / _seconds(first) - 1
        answer = f"{first.candidate} would win, at {_shown(first)}; it would be {behind:.0%} slower"
    is_same = own is not None and _seconds(own) <= _seconds(first) * (1 + result.error)
    return WhatIf(change, answer, is_same, tuple(fitting))


def _is_of(candidate: Candidate, best: Candidate, space: Space | None) -> bool:
    """Whether it is the best itself, or the best on half the devices."""
    return candidate == best or (space is not None and candidate == halve(best))


def _seconds(one: Scored) -> float:
    return one.seconds or 0.0


def _shown(one: Scored) -> str:
    return f"{_seconds(one) * 1e3:,.1f} ms a step"
