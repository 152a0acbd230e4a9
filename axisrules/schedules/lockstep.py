"""Schedules in lockstep: built from rounds, and folded into the loops that a program runs them as."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from axisrules.schedules.schedule import KINDS, Kind, Schedule, Task

# (microbatch, virtual stage) to the round in which its task of one kind is done.
RoundOf = Callable[[int, int], int]


@dataclass(frozen=True, slots=True)
class Loop:
    """Rounds of the same kinds one after another; `trips` is how often the loop turns."""

    first_round: int
    trips: int
    kinds: tuple[Kind, ...]


def in_rounds(
    name: str, shape: tuple[int, int, int], round_of: Mapping[Kind, RoundOf], head_rounds: int = 0
) -> Schedule:
    """The schedule that does each task in the round that `round_of[kind]` gives.

    `shape` is (stages, microbatches, repeats). A round has a tick of each kind that some device works at.
    """
    stages, microbatches, repeats = shape
    placed = {
        kind: [(of(i, k), i, k) for i in range(microbatches) for k in range(stages * repeats)]
        for kind, of in round_of.items()
    }
    busy = {kind: {number for number, _, _ in places} for kind, places in placed.items()}
    turns = [
        tuple(kind for kind in KINDS if number in busy.get(kind, ()))
        for number in range(1 + max(map(max, busy.values())))
    ]
    places_of_ticks = ((number, kind) for number, kinds in enumerate(turns) for kind in kinds)
    tick_of = {place: tick for tick, place in enumerate(places_of_ticks)}
    tasks = [
        Task(tick_of[number, kind], k % stages, kind, i, k)
        for kind, places in placed.items()
        for number, i, k in places
    ]
    return Schedule(name, stages, microbatches, repeats, tuple(turns), _ordered(tasks), head_rounds)


def loops(schedule: Schedule) -> tuple[Loop, ...]:
    """The rounds taken together while their kinds are the same."""
    found: list[Loop] = []
    for number, kinds in enumerate(schedule.rounds):
        last = found[-1] if found else None
        if last and last.kinds == kinds:
            found[-1] = Loop(last.first_round, last.trips + 1, kinds)
        else:
            found.append(Loop(number, 1, kinds))
    return tuple(found)


def forward_only(schedule: Schedule) -> Schedule:
    """The forward tasks of a schedule: what evaluating takes."""
    microbatches, stages = range(schedule.microbatches), range(schedule.virtual_stages)
    turns = sorted({schedule.round_of["forward", i, k] for i in microbatches for k in stages})
    number = {turn: place for place, turn in enumerate(turns)}
    shape = (schedule.stages, schedule.microbatches, schedule.repeats)
    of = {"forward": lambda i, k: number[schedule.round_of["forward", i, k]]}
    return in_rounds(schedule.name, shape, of)  # type: ignore[arg-type]


def head_loops(schedule: Schedule) -> tuple[bool, ...]:
    """Whether the head works in each of the loops: from a microbatch's last forward task to its gradients."""
    last = schedule.virtual_stages - 1
    out = [schedule.round_of["forward", i, last] for i in range(schedule.microbatches)]
    busy = {turn for first in out for turn in range(first, first + schedule.head_rounds + 1)}
    return tuple(
        not busy.isdisjoint(range(loop.first_round, loop.first_round + loop.trips))
        for loop in loops(schedule)
    )


def _ordered(tasks: Iterable[Task]) -> tuple[Task, ...]:
    return tuple(sorted(tasks, key=lambda task: (task.tick, task.device)))
