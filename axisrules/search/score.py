"""What a candidate is worth: its step compiled for the target, read, and put in a few numbers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from axisrules.analysis import CostTerm
from axisrules.evidence import Compiling, LayoutEvidence, compare
from axisrules.schedules import facts, make_schedule
from axisrules.search.candidate import Candidate
from axisrules.search.space import Space
from axisrules.search.table import STAGE

# (how many of the batch are through, what is going on)
ScoreProgress = Callable[[int, str], None]


@dataclass(frozen=True)
class Scored:
    """A candidate with what compiling it showed, on one device and in one step.

    `seconds` is the cost model's, or measured where `is_measured`; None with an `error`. `needed_bytes` is
    known even where the step does not fit. `evidence` is there for as long as the process that made it.
    """

    candidate: Candidate
    seconds: float | None = None
    needed_bytes: int | None = None
    hbm_bytes: int | None = None
    param_bytes: int = 0
    optimizer_bytes: int = 0
    wire_bytes: int = 0
    flops: float = 0.0
    mfu: float | None = None
    terms: tuple[CostTerm, ...] = ()
    mode: str = "fast"
    is_measured: bool = False
    error: str | None = None
    evidence: LayoutEvidence | None = field(default=None, compare=False, repr=False)

    def fits(self, share: float = 1.0) -> bool:
        """Whether the step fits into that share of a device's memory; True where nothing is known of it."""
        if self.error:
            return False
        return (
            self.needed_bytes is None or self.hbm_bytes is None or self.needed_bytes <= share * self.hbm_bytes
        )

    @property
    def exposed_seconds(self) -> float:
        """What a device waits for others."""
        return sum(term.seconds for term in self.terms if term.is_communication)

    @property
    def bubble(self) -> float:
        """The part of the time that a pipeline's devices wait for their turn; 0 without one."""
        one = self.candidate
        if not one.schedule:
            return 0.0
        return facts(make_schedule(one.schedule, one.size(STAGE), one.microbatches)).bubble


class Scorer(Protocol):
    """Anything that gives candidates their numbers, one after the other and in the order asked for."""

    def __call__(
        self, space: Space, candidates: Sequence[Candidate], how: Compiling, on_progress: ScoreProgress, /
    ) -> Iterator[Scored]:
        """The candidates scored; `how.mode` is `full` for the last few, which deserve more care."""


def score(
    space: Space,
    candidates: Sequence[Candidate],
    how: Compiling | None = None,
    on_progress: ScoreProgress | None = None,
) -> Iterator[Scored]:
    """Every candidate compiled for the space's target, side by side; in the order asked for.

    One whose compiler dies, or that cannot be planned, has an `error`, and the others still come.
    """
    tables = [space.table(candidate, name=str(candidate)) for candidate in candidates]

    def tell(_layout: str, phase: str, done: int) -> None:
        if on_progress:
            on_progress(done, phase)

    found = compare(space.program, tables, [space.target], how=how or Compiling(), on_progress=tell)
    for candidate, row in zip(candidates, found.rows, strict=True):
        yield scored(candidate, row)


def scored(candidate: Candidate, row: LayoutEvidence) -> Scored:
    """A row of a comparison in a few numbers."""
    if row.error:
        return Scored(candidate, mode=row.mode, error=row.error)
    return Scored(
        candidate,
        seconds=row.step_seconds,
        needed_bytes=row.needed_bytes,
        hbm_bytes=row.hbm_bytes,
        param_bytes=row.param_bytes or 0,
        optimizer_bytes=row.optimizer_bytes or 0,
        wire_bytes=row.ledger.wire_bytes if row.ledger else 0,
        flops=row.flops or 0.0,
        mfu=row.mfu,
        terms=row.estimate.terms if row.estimate else (),
        mode=row.mode,
        is_measured=row.step_is_measured,
        evidence=row,
    )


def without_evidence(one: Scored) -> Scored:
    """The numbers alone."""
    return replace(one, evidence=None)
