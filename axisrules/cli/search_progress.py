"""What is seen of a search while it works: a bar in a terminal, a few lines in a log."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from axisrules.mesh import Target
from axisrules.report import bounds_words
from axisrules.search import Bounds, Budget, Candidate, Progress, Scored, Space


@dataclass
class SearchProgress:
    """A bar on stderr, with the best so far; where nobody would see it move, every improvement is a line."""

    bars: Bars
    task: TaskID
    limit: int
    best: Scored | None = None

    def tell(self, progress: Progress) -> None:
        """Where the search is."""
        best = f"best so far {_words(progress.best)}; " if progress.best else ""
        self.bars.update(self.task, description=best + progress.phase, completed=progress.done)
        if self.bars.disable and progress.best and progress.best != self.best:
            words = f"{progress.done} of {self.limit}: best so far {_words(progress.best)}"
            print(words, file=sys.stderr, flush=True)
        self.best = progress.best


@dataclass
class FirstCandidate:
    """Says the first candidate that a space has, with its bounds, while the others are still being found."""

    target: Target
    hbm: float
    is_said: bool = False

    def __call__(self, candidate: Candidate, bounds: Bounds) -> None:
        """One more candidate."""
        if not self.is_said:
            self.is_said = True
            print(
                f"first {bounds_words(candidate, bounds, self.target, self.hbm)}", file=sys.stderr, flush=True
            )


def announce(space: Space, budget: Budget) -> None:
    """How much there is to do, said before anything is compiled."""
    verb = "measures" if space.target.is_local else "compiles"
    most = min(budget.compiles_of(space), len(space))
    print(f"{len(space):,} layouts on {space.target}; {verb} at most {most} of them", file=sys.stderr)


@contextmanager
def search_progress(space: Space, budget: Budget) -> Iterator[SearchProgress]:
    """What shows a search on stderr while it works."""
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    limit = min(budget.compiles_of(space), len(space))
    with Bars(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bars:
        yield SearchProgress(bars, bars.add_task("", total=limit), limit)


def _words(one: Scored) -> str:
    return f"{one.candidate} ({(one.seconds or 0.0) * 1e3:,.1f} ms)"
