"""The search itself: prune by bounds, let a strategy choose, compile, and begin again."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from axisrules.diagnostics import Diagnostic
from axisrules.evidence import ERROR_BAR, Compiling
from axisrules.search.candidate import Candidate
from axisrules.search.journal import Journal
from axisrules.search.result import SearchResult
from axisrules.search.score import Scored, Scorer, score
from axisrules.search.space import Space
from axisrules.search.strategy import ExpectedGain, Strategy

PART = 0.15
FEWEST_COMPILES, MOST_COMPILES = 8, 48
FINALISTS = 3
COMPILING = Compiling()
# A few steps on a shared machine take now a little more, now a little less.
MEASURED_ERROR = 0.1


@dataclass(frozen=True)
class Budget:
    """How much a search may compile, and how: `compiles` candidates, by default 15% of the space, 8 to 48.

    At most `side_by_side` at a time. No candidate is begun after `seconds`. `finalists` are compiled in
    full. `scorer` gives candidates their numbers: `score`, or a `Measured` for what can be run.
    """

    compiles: int | None = None
    seconds: float | None = None
    side_by_side: int = 4
    finalists: int = FINALISTS
    how: Compiling = COMPILING
    scorer: Scorer = score

    def compiles_of(self, space: Space) -> int:
        """The limit for a space."""
        return self.compiles or min(max(int(PART * len(space)), FEWEST_COMPILES), MOST_COMPILES)


@dataclass(frozen=True)
class Progress:
    """Where a search is: what it does, how many candidates are through of how many, and the best so far."""

    phase: str
    done: int
    limit: int
    best: Scored | None
    newest: Scored | None = None


OnProgress = Callable[[Progress], None]


@dataclass
class _Run:
    """One search under way."""

    space: Space
    budget: Budget
    journal: Journal | None
    on_progress: OnProgress
    started: float = field(default_factory=time.monotonic)
    seen: dict[Candidate, Scored] = field(default_factory=dict)
    final: dict[Candidate, Scored] = field(default_factory=dict)
    pruned: dict[Candidate, str] = field(default_factory=dict)
    notes: list[Diagnostic] = field(default_factory=list)

    @property
    def best(self) -> Scored | None:
        fitting = [one for one in self.seen.values() if one.seconds and one.fits(self.space.constraints.hbm)]
        return min(fitting, key=lambda one: one.seconds or 0.0, default=None)

    @property
    def limit(self) -> int:
        return self.budget.compiles_of(self.space)

    @property
    def is_late(self) -> bool:
        return self.budget.seconds is not None and time.monotonic() - self.started > self.budget.seconds

    def tell(self, phase: str, newest: Scored | None = None) -> None:
        self.on_progress(Progress(phase, len(self.seen), self.limit, self.best, newest))

    def prune(self) -> list[Candidate]:
        """Leave out what the bounds rule out by now; returns what still waits for a compiler."""
        best, left = self.best, []
        for one in self.space.candidates:
            if one in self.seen or one in self.pruned:
                continue
            reason = _why_pruned(one, self.space, best)
            if reason:
                self.pruned[one] = reason
            else:
                left.append(one)
        return left

    def resume(self) -> None:
        """Take over what an earlier run has compiled."""
        if not self.journal:
            return
        known, problem = self.journal.read()
        space = set(self.space.candidates)
        for one in known:
            if one.candidate in space:
                (self.final if one.mode == "full" else self.seen)[one.candidate] = one
        if problem:
            self.notes.append(problem)
        if problem or not known:
            self.journal.start()

    def compile(self, candidates: Sequence[Candidate], how: Compiling) -> None:
        results = self.final if how.mode == "full" else self.seen
        for one in self.budget.scorer(self.space, candidates, how, lambda _, phase: self.tell(phase)):
            results[one.candidate] = one
            if self.journal:
                self.journal.add(one)
            self.tell("compiled", one)


def search(
    space: Space,
    *,
    strategy: Strategy | None = None,
    budget: Budget = Budget(),
    journal: Journal | None = None,
    first: Sequence[Candidate] = (),
    on_progress: OnProgress | None = None,
) -> SearchResult:
    """The best layouts of a space that were found, with the evidence of all that were compiled.

    The strategy is `ExpectedGain`, unless another is given.

    `first` are compiled before the strategy is asked. With a `journal`, what an earlier run compiled counts
    as done. An interrupt (Ctrl-C) ends the search, not the caller: the result has what was found until then.
    """
    run = _Run(space, budget, journal, on_progress or _unseen)
    run.resume()
    is_interrupted = False
    try:
        _explore(run, strategy or ExpectedGain(), first)
        _finish(run)
    except KeyboardInterrupt:
        is_interrupted = True
    return SearchResult(
        space=space,
        scored=tuple(run.seen.values()),
        finalists=tuple(run.final.values()),
        pruned=Counter(run.pruned.values()),
        error=error_of(space),
        seconds=time.monotonic() - run.started,
        is_interrupted=is_interrupted,
        notes=tuple(run.notes),
    )


def _unseen(progress: Progress) -> None:
    """Progress that nobody watches."""


def _explore(run: _Run, strategy: Strategy, first: Sequence[Candidate]) -> None:
    waiting = [one for one in first if one not in run.seen]
    if waiting:
        run.compile(waiting, run.budget.how)
    while True:
        count = min(run.budget.side_by_side, run.limit - len(run.seen))
        left = run.prune()
        if run.is_late or count < 1 or not left:
            return
        proposed = strategy.propose(run.space, left, list(run.seen.values()), count)
        if not proposed:
            return
        run.compile(proposed, run.budget.how)


def _finish(run: _Run) -> None:
    """The full compile for the best few: what it knows of cycles decides among them."""
    is_known = run.space.target.is_local and run.budget.scorer is score
    if is_known or run.is_late or not run.budget.finalists:
        return
    limit = run.space.constraints.hbm
    fitting = [one for one in run.seen.values() if one.seconds and one.fits(limit)]
    best = sorted(fitting, key=lambda one: one.seconds or 0.0)[: run.budget.finalists]
    left = [one.candidate for one in best if one.candidate not in run.final]
    if left:
        run.compile(left, replace(run.budget.how, mode="full"))


def _why_pruned(candidate: Candidate, space: Space, best: Scored | None) -> str:
    """What rules a candidate out before it is compiled; "" for nothing. A better best rules out more."""
    bounds = space.bounds(candidate)
    if (
        not space.target.is_local
        and bounds.state_bytes > space.constraints.hbm * space.target.chip.compile_limit_bytes
    ):
        return MEMORY
    if best and best.seconds and bounds.seconds > best.seconds * (1 + error_of(space)):
        return SLOW
    return ""


MEMORY = "parameters and optimizer state alone do not fit"
SLOW = "its gradients and its state alone take longer than the best"


def error_of(space: Space) -> float:
    """By how much, in parts of a step, two layouts must differ to be told apart."""
    return MEASURED_ERROR if space.target.is_local else ERROR_BAR
