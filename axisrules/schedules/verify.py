"""Whether a schedule keeps the rules of pipelines; it is looked at task by task, whoever made it."""

from collections import Counter
from collections.abc import Iterator
from itertools import product

from axisrules.diagnostics import AxisRulesError, Diagnostic, catalog
from axisrules.schedules.schedule import KINDS, Kind, Schedule, Task

Place = tuple[Kind, int, int]
MAX_SHOWN = 8


def verify(schedule: Schedule, *, max_live: int | None = None) -> None:
    """Raise AxisRulesError (AXR757) with what is broken; nothing of how it was made is trusted.

    Every microbatch goes forward and backward through every virtual stage once, each on the device that
    holds it; a device has one task at a tick, of the tick's kind; a task comes after those whose results
    it needs; and no device keeps more than `max_live` microbatches (times virtual stages) for their
    backward tasks, by default never more than there are.
    """
    found = list(_problems(schedule, max_live))
    if found:
        left = len(found) - MAX_SHOWN
        why = "; ".join(found[:MAX_SHOWN]) + (f"; and {left} more" if left > 0 else "")
        raise AxisRulesError([_broken(schedule, why)])


def live_counts(schedule: Schedule) -> list[int]:
    """The most microbatches (times virtual stages) that each device keeps at once for a later task."""
    last = "weight" if schedule.has_weight_tasks else "backward"
    alive, peak = [0] * schedule.stages, [0] * schedule.stages
    for task in sorted(schedule.tasks, key=lambda task: task.tick):
        alive[task.device] += task.kind == "forward"
        peak[task.device] = max(peak[task.device], alive[task.device])
        alive[task.device] -= task.kind == last
    return peak


def _problems(schedule: Schedule, max_live: int | None) -> Iterator[str]:
    for number, kinds in enumerate(schedule.rounds):
        if list(kinds) != [kind for kind in KINDS if kind in kinds]:
            yield f"round {number} has the ticks {', '.join(kinds)}, which are not in order"
    done: dict[Place, Task] = {}
    taken: Counter[tuple[int, int]] = Counter()
    for task in schedule.tasks:
        yield from _misplaced(schedule, task)
        taken[task.tick, task.device] += 1
        place = (task.kind, task.microbatch, task.virtual_stage)
        if place in done:
            yield f"{_words(task)} is done at tick {done[place].tick} and again at tick {task.tick}"
        done[place] = task
    for (tick, device), count in taken.items():
        if count > 1:
            yield f"device {device} has {count} tasks at tick {tick}"
    yield from _missing(schedule, done)
    yield from _out_of_order(schedule, done)
    allowed = schedule.microbatches * schedule.repeats if max_live is None else max_live
    for device, live in enumerate(live_counts(schedule)):
        if live > allowed:
            yield f"device {device} keeps {live} microbatches at once, and at most {allowed} are allowed"


def _misplaced(schedule: Schedule, task: Task) -> Iterator[str]:
    if not 0 <= task.tick < len(schedule.ticks):
        yield f"{_words(task)} is at tick {task.tick}, and there are {len(schedule.ticks)} ticks"
    elif schedule.ticks[task.tick] != task.kind:
        yield f"{_words(task)} is at tick {task.tick}, which is for {schedule.ticks[task.tick]} work"
    known = range(schedule.microbatches), range(schedule.virtual_stages)
    if task.microbatch not in known[0] or task.virtual_stage not in known[1]:
        yield f"{_words(task)} is none of the schedule's"
    elif task.device != task.virtual_stage % schedule.stages:
        yield f"{_words(task)} is on device {task.device}, which does not hold it"


def _missing(schedule: Schedule, done: dict[Place, Task]) -> Iterator[str]:
    kinds: list[Kind] = ["forward", "backward"]
    kinds += ["weight"] if schedule.has_weight_tasks else []
    wanted = product(kinds, range(schedule.microbatches), range(schedule.virtual_stages))
    for kind, microbatch, virtual_stage in wanted:
        if (kind, microbatch, virtual_stage) not in done:
            yield f"{kind} of microbatch {microbatch} at stage {virtual_stage} is never done"


def _out_of_order(schedule: Schedule, done: dict[Place, Task]) -> Iterator[str]:
    round_at = dict(enumerate(schedule.round_of_tick))
    for task in done.values():
        for place, wait in _needs(schedule, task):
            before = done.get(place)
            if before is None or task.tick not in round_at or before.tick not in round_at:
                continue  # reported as missing or as misplaced
            late = round_at[task.tick] < round_at[before.tick] + wait
            if before.tick >= task.tick or late:
                gap = f", {wait} rounds" if wait else ""
                yield f"{_words(task)} at tick {task.tick} must come{gap} after tick {before.tick}"


def _needs(schedule: Schedule, task: Task) -> Iterator[tuple[Place, int]]:
    """What must be done before `task`, and how many rounds before it."""
    i, k, last = task.microbatch, task.virtual_stage, schedule.virtual_stages - 1
    if task.kind == "forward":
        if k > 0:
            yield ("forward", i, k - 1), 1
    elif task.kind == "weight":
        yield ("backward", i, k), 0
    else:
        yield ("forward", i, k), 0
        yield (("backward", i, k + 1), 1) if k < last else (("forward", i, k), schedule.head_rounds)


def _words(task: Task) -> str:
    return f"{task.kind} of microbatch {task.microbatch} at stage {task.virtual_stage}"


def _broken(schedule: Schedule, why: str) -> Diagnostic:
    shape = f"stages={schedule.stages}, microbatches={schedule.microbatches}, repeats={schedule.repeats}"
    fix = "mend the function that made it; gpipe, 1f1b, interleaved and zero_bubble are verified"
    return catalog.BROKEN_SCHEDULE.at(subject=f"{schedule.name} ({shape})", why=why, fix=fix)
