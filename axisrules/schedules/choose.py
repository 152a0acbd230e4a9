"""A schedule by its name, and what it asks of the numbers."""

from typing import Literal, get_args

from axisrules.diagnostics import AxisRulesError, Origin, catalog, did_you_mean
from axisrules.schedules.gpipe import gpipe
from axisrules.schedules.interleaved import interleaved
from axisrules.schedules.one_f_one_b import one_f_one_b
from axisrules.schedules.schedule import Schedule
from axisrules.schedules.verify import verify
from axisrules.schedules.zero_bubble import zero_bubble

ScheduleName = Literal["gpipe", "1f1b", "interleaved", "zero_bubble"]
SCHEDULES: tuple[ScheduleName, ...] = get_args(ScheduleName)
SINGLE = {"gpipe": gpipe, "1f1b": one_f_one_b, "zero_bubble": zero_bubble}
MAX_TASKS = 1_000_000


def make_schedule(
    name: str,
    stages: int,
    microbatches: int,
    repeats: int = 1,
    *,
    head_rounds: int = 0,
    origin: Origin | None = None,
) -> Schedule:
    """The verified schedule of that name; `origin` is where the user asked for it.

    Raises AxisRulesError: AXR750 for an unknown name, AXR751 for numbers that it cannot have.

    >>> make_schedule("1f1b", stages=2, microbatches=3).ticks[:3]
    ('forward', 'forward', 'backward')
    """
    if name not in SCHEDULES:
        fix = did_you_mean(name, SCHEDULES, f"choose one of {', '.join(SCHEDULES)}")
        raise AxisRulesError([catalog.UNKNOWN_SCHEDULE.at(origin, why=f"there is no `{name}`", fix=fix)])
    why, fix = _misfit(name, stages, microbatches, repeats)
    if why:
        raise AxisRulesError([catalog.SCHEDULE_MISFIT.at(origin, subject=name, why=why, fix=fix)])
    if name == "interleaved":
        made = interleaved(stages, microbatches, repeats, head_rounds=head_rounds)
    else:
        made = SINGLE[name](stages, microbatches, head_rounds=head_rounds)
    verify(made)
    return made


def _misfit(name: str, stages: int, microbatches: int, repeats: int) -> tuple[str, str]:
    """What is wrong with the numbers and how to mend it; two empty texts where nothing is."""
    for word, number in (("stages", stages), ("microbatches", microbatches), ("repeats", repeats)):
        if number < 1:
            return f"{word}={number}; wanted a whole number from 1", f"{word} = 1"
    if stages * microbatches * repeats > MAX_TASKS:
        return f"it would have {stages * microbatches * repeats:,} tasks each way", "use fewer microbatches"
    if name != "interleaved" and repeats > 1:
        return f"repeats={repeats}, and only `interleaved` has several stages on a device", "repeats = 1"
    if name == "interleaved" and repeats > 1 and microbatches % stages:
        nearest = max(stages, microbatches // stages * stages)
        why = f"microbatches={microbatches} is not a multiple of stages={stages}"
        return why, f'microbatches = {nearest}, or schedule = "1f1b"'
    return "", ""
