"""Candidates that are really run: compiled for the devices at hand, trained for a few steps and timed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from axisrules.bench import BenchRow, Workload, run_bench
from axisrules.evidence import Compiling
from axisrules.rules import RuleTable
from axisrules.search.candidate import Candidate
from axisrules.search.score import Scored, ScoreProgress, score
from axisrules.search.space import Space

# The first step of each is left out of its time.
FEW_STEPS = 3


@dataclass(frozen=True)
class Measured:
    """A scorer for local devices: `few` of the workload's batches for every candidate, all for the finalists.

    A step's time is the median of all but the first. Finalists are compiled once more to be read, so that
    what they communicate is known too.
    """

    workload: Workload
    few: int = FEW_STEPS

    def __call__(
        self,
        space: Space,
        candidates: Sequence[Candidate],
        how: Compiling | None = None,
        on_progress: ScoreProgress | None = None,
    ) -> Iterator[Scored]:
        """Every candidate trained, one after the other; one that cannot run has an `error`."""
        mode = how.mode if how else "fast"
        is_last = mode == "full"
        for done, candidate in enumerate(candidates):
            table = space.table(candidate, name=str(candidate))
            steps = len(self.workload.batches) if is_last else self.few
            row = self.run(table, steps, _told(on_progress, done))
            read = next(score(space, [candidate])) if is_last else Scored(candidate)
            yield timed(replace(read, mode=mode), row)

    def run(self, table: RuleTable, steps: int, on_phase: Callable[[str], None]) -> BenchRow:
        """A table trained for so many steps."""
        some = replace(self.workload, batches=self.workload.batches[:steps])

        def tell(_layout: str, phase: str, done: int) -> None:
            on_phase(f"step {done}" if done else phase)

        return run_bench(some, [table], on_progress=tell).rows[0]


def _told(on_progress: ScoreProgress | None, done: int) -> Callable[[str], None]:
    def tell(phase: str) -> None:
        if on_progress:
            on_progress(done, phase)

    return tell


def timed(read: Scored, row: BenchRow) -> Scored:
    """What is read of a candidate, with what running it showed."""
    if row.error:
        return Scored(read.candidate, mode=read.mode, error=row.error)
    held = (row.param_bytes or 0) + (row.optimizer_bytes or 0)
    return replace(
        read,
        seconds=row.step_seconds,
        needed_bytes=held + (row.temporary_bytes or 0),
        param_bytes=row.param_bytes or 0,
        optimizer_bytes=row.optimizer_bytes or 0,
        is_measured=True,
        error=None,
    )
