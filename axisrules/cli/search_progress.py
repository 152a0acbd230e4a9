"""What is seen of a search while it works: a bar in a terminal, a few lines in a log."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from axisrules.report import bounds_words
from axisrules.search import Budget, Candidate, Progress, Scored, Space, Strategy


@dataclass
class SearchProgress:
    """A bar on stderr, with the best so far; where nobody would see it move, every improvement is a line."""

    space: Space
    bars: Bars
    task: TaskID
    limit: int
    best: Scored | None = None
    has_said_first: bool = False

    def say_first(self, candidate: Candidate) -> None:
        """The first candidate and its bounds, before anything is compiled."""
        if not self.has_said_first:
            self.has_said_first = True
            self._say(f"first {bounds_words(self.space, candidate)}")

    def tell(self, progress: Progress) -> None:
        """Where the search is."""
        best = f"best so far {_words(progress.best)}; " if progress.best else ""
        self.bars.update(self.task, description=best + progress.phase, completed=progress.done)
        if self.bars.disable and progress.best and progress.best != self.best:
            self._say(f"{progress.done} of {self.limit}: best so far {_words(progress.best)}")
        self.best = progress.best

    def _say(self, words: str) -> None:
        self.bars.console.print(words, soft_wrap=True)


@dataclass(frozen=True)
class Announced:
    """A strategy whose first proposal is told."""

    strategy: Strategy
    shown: SearchProgress

    def propose(
        self, space: Space, left: Sequence[Candidate], seen: Sequence[Scored], count: int
    ) -> Sequence[Candidate]:
        """What the strategy proposes."""
        proposed = self.strategy.propose(space, left, seen, count)
        for candidate in proposed[:1]:
            self.shown.say_first(candidate)
        return proposed


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
        yield SearchProgress(space, bars, bars.add_task("", total=limit), limit)


def _words(one: Scored) -> str:
    return f"{one.candidate} ({(one.seconds or 0.0) * 1e3:,.1f} ms)"
