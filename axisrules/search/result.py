"""What a search found: candidates in order, with how sure the order is."""

from dataclasses import dataclass, replace
from functools import cached_property

from axisrules.diagnostics import Diagnostic
from axisrules.rules import RuleTable
from axisrules.search.score import Scored
from axisrules.search.space import Space


@dataclass(frozen=True)
class SearchResult:
    """Every candidate that was compiled, and those compiled in full; `pruned` counts what bounds ruled out.

    `error` is how far the estimate's ratio of two layouts may be off, from the cost model's own validation:
    candidates nearer to each other than that are ties.
    """

    space: Space
    scored: tuple[Scored, ...]
    finalists: tuple[Scored, ...]
    pruned: dict[str, int]
    error: float
    seconds: float
    is_interrupted: bool = False
    notes: tuple[Diagnostic, ...] = ()

    @cached_property
    def ranking(self) -> tuple[Scored, ...]:
        """What fits, the fastest first: by measured time, or the full compile, where there is one."""
        better = {one.candidate: one for one in self.finalists if one.seconds}
        limit = self.space.constraints.hbm
        known = [better.get(one.candidate, one) for one in self.scored]
        fitting = [one for one in known if one.seconds and one.fits(limit)]
        return tuple(sorted(fitting, key=lambda one: (one.candidate not in better, one.seconds or 0.0)))

    @property
    def best(self) -> Scored | None:
        """The first of the ranking; None where nothing fits."""
        return self.ranking[0] if self.ranking else None

    @property
    def ties(self) -> tuple[Scored, ...]:
        """What the best cannot be told apart from, the best itself left out."""
        first = self.best
        if not first or not first.seconds:
            return ()
        return tuple(
            one for one in self.ranking[1:] if one.seconds and one.seconds <= first.seconds * (1 + self.error)
        )

    @property
    def compiled(self) -> int:
        """How many candidates were compiled."""
        return len(self.scored)

    @property
    def failed(self) -> tuple[Scored, ...]:
        """Those whose compiler died, or that could not be planned."""
        return tuple(one for one in self.scored if one.error)

    def nearest_to_fit(self) -> Scored | None:
        """Of what does not fit, what needs the fewest bytes."""
        short = [one for one in self.scored if one.needed_bytes and not one.error]
        return min(short, key=lambda one: one.needed_bytes or 0, default=None)

    def table(self, one: Scored) -> RuleTable:
        """The rule table of a candidate, with what it is for in its `doc`."""
        return replace(self.space.table(one.candidate), doc=described(one, self.space))


def described(one: Scored, space: Space) -> str:
    """A line for the head of a table: where it is for, and what it should take."""
    took = f", {one.seconds * 1e3:,.1f} ms a step" if one.seconds else ""
    how = "measured" if one.is_measured else "by the cost model"
    return f"Found by search for {space.target}: {one.candidate}{took} {how}."
