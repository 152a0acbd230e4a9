"""Where each device keeps what it waits with: a place for every microbatch between two of its tasks."""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from axisrules.schedules.schedule import Schedule

# (device, microbatch, virtual stage) to a place that counts from 0.
Places = Mapping[tuple[int, int, int], int]


@dataclass(frozen=True)
class Slots:
    """The places of a schedule, as few as there can be; for what is saved, as few as the schedule allows.

    `inbox` holds an activation from its arrival to its forward task, `saved` what the forward task saves
    up to the last task that reads it, `outbox` a gradient from its arrival to its backward task, and
    `parked` what a backward task leaves for the weights' task.
    """

    inbox: Places
    inbox_count: int
    saved: Places
    saved_count: int
    outbox: Places
    outbox_count: int
    parked: Places
    parked_count: int


def assign_slots(schedule: Schedule) -> Slots:
    """Places for every microbatch on every device; two that are kept at once never share one."""
    at = schedule.round_of
    last = schedule.virtual_stages - 1
    own = [(k % schedule.stages, i, k) for i in range(schedule.microbatches) for k in range(last + 1)]
    inbox = {(d, i, k): (at["forward", i, k - 1] + 1, at["forward", i, k]) for d, i, k in own if k > 0}
    back = [(d, i, k) for d, i, k in own if ("backward", i, k) in at]
    saved = {(d, i, k): (at["forward", i, k], at["backward", i, k]) for d, i, k in back}
    outbox = {
        (d, i, k): (
            at["backward", i, k + 1] + 1 if k < last else at["forward", i, k] + schedule.head_rounds,
            at["backward", i, k],
        )
        for d, i, k in back
    }
    parked = {
        (d, i, k): (at["backward", i, k], at["weight", i, k]) for d, i, k in back if ("weight", i, k) in at
    }
    places, count = _coloured(saved)
    kept = places, max(count, schedule.least_saved if places else 0)
    return Slots(*_coloured(inbox), *kept, *_coloured(outbox), *_coloured(parked))


def _coloured(spans: Mapping[tuple[int, int, int], tuple[int, int]]) -> tuple[Places, int]:
    """The lowest free place for each span (both ends included) of one device, in order of their starts."""
    places: dict[tuple[int, int, int], int] = {}
    count = 0
    for device in {key[0] for key in spans}:
        free: list[int] = []
        busy: list[tuple[int, int]] = []
        used = 0
        for key, (start, end) in _by_start(spans, device):
            while busy and busy[0][0] < start:
                heapq.heappush(free, heapq.heappop(busy)[1])
            if not free:
                free, used = [used], used + 1
            place = heapq.heappop(free)
            heapq.heappush(busy, (end, place))
            places[key] = place
        count = max(count, used)
    return places, count


def _by_start(
    spans: Mapping[tuple[int, int, int], tuple[int, int]], device: int
) -> Iterable[tuple[tuple[int, int, int], tuple[int, int]]]:
    own = [(key, span) for key, span in spans.items() if key[0] == device]
    return sorted(own, key=lambda entry: (entry[1], entry[0]))
