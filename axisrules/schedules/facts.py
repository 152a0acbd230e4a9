"""What a schedule costs: ticks, bubble, memory and time, before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass

from axisrules.schedules.lockstep import head_loops, loops
from axisrules.schedules.schedule import Kind, Schedule
from axisrules.schedules.slots import assign_slots
from axisrules.schedules.verify import live_counts


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds, or any unit, that a whole device's layers take for one microbatch.

    `backward` is the gradient for the inputs and `weight` that for the weights; where a schedule does not
    take them apart, a backward task costs both. `per_tick` is what every tick costs whatever it does:
    sending, and starting kernels. `head` is the loss and its gradient, on one device. Where devices differ
    these are the dearest one's, and `imbalance` says by how much it is above the mean.
    """

    forward: float = 1.0
    backward: float = 2.0
    weight: float = 1.0
    per_tick: float = 0.0
    head: float = 0.0
    imbalance: float = 0.0


@dataclass(frozen=True, slots=True)
class Facts:
    """A schedule in numbers.

    `bubble` is the part of the time that a device waits, by `Costs`; `peak_live` counts microbatches
    times virtual stages that a device keeps, `ring` the places that there are for them, and `trips` the
    turns of each loop. `seconds` is in the unit of the costs, for one device's part of a whole step.
    """

    ticks: int
    trips: tuple[int, ...]
    bubble: float
    peak_live: int
    ring: int
    seconds: float


def facts(schedule: Schedule, costs: Costs = Costs()) -> Facts:
    """The numbers of a schedule whose stages cost `costs`.

    A tick costs what its kind costs, over the repeats, whether one device works in it or all do.
    Source: docs/pages/pipelines.md, "What a schedule costs".
    """
    by_kind = _per_task(schedule, costs)
    turns = loops(schedule)
    ticks = sum(by_kind[kind] + costs.per_tick for kind in schedule.ticks)
    # Spread over the devices, each has its part of a microbatch's head; else all have all of it at once.
    head = costs.head / (schedule.stages if schedule.head_rounds else 1)
    heads = sum(loop.trips for loop, at_work in zip(turns, head_loops(schedule), strict=True) if at_work)
    seconds = ticks + head * heads
    # Every device has the same number of tasks: each of its virtual stages sees every microbatch once.
    dearest = sum(by_kind[task.kind] for task in schedule.tasks) / schedule.stages
    busy = dearest / (1 + costs.imbalance)
    busy += costs.head * schedule.microbatches / schedule.stages
    return Facts(
        ticks=len(schedule.ticks),
        trips=tuple(loop.trips for loop in turns),
        bubble=1 - busy / seconds,
        peak_live=max(live_counts(schedule)),
        ring=assign_slots(schedule).saved_count,
        seconds=seconds,
    )


def _per_task(schedule: Schedule, costs: Costs) -> Mapping[Kind, float]:
    apart = schedule.has_weight_tasks
    whole: dict[Kind, float] = {
        "forward": costs.forward,
        "backward": costs.backward if apart else costs.backward + costs.weight,
        "weight": costs.weight,
    }
    return {kind: cost / schedule.repeats for kind, cost in whole.items()}
