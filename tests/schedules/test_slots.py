"""Places: two things that are kept at once never share one, and there are no more than wanted."""

from hypothesis import given

from axisrules.schedules import assign_slots
from tests.schedules.test_verify import schedules


def spans(schedule):
    at, last = schedule.round_of, schedule.virtual_stages - 1
    for i in range(schedule.microbatches):
        for k in range(last + 1):
            key = (k % schedule.stages, i, k)
            if k:
                yield "inbox", key, at["forward", i, k - 1] + 1, at["forward", i, k]
            yield "saved", key, at["forward", i, k], at["backward", i, k]
            arrives = at["backward", i, k + 1] + 1 if k < last else at["forward", i, k] + schedule.head_rounds
            yield "outbox", key, arrives, at["backward", i, k]
            if schedule.has_weight_tasks:
                yield "parked", key, at["backward", i, k], at["weight", i, k]


@given(schedules())
def test_places_are_never_shared_and_never_idle(schedule):
    slots = assign_slots(schedule)
    held: dict[tuple, tuple] = {}
    most: dict[tuple[str, int], int] = {}
    for what, key, start, end in spans(schedule):
        place = getattr(slots, what)[key]
        assert place < getattr(slots, f"{what}_count")
        for turn in range(start, end + 1):
            assert held.setdefault((what, key[0], place, turn), key) == key
    for what, device, _, turn in held:
        at_once = sum(1 for w, d, _, t in held if (w, d, t) == (what, device, turn))
        most[what, device] = max(most.get((what, device), 0), at_once)
    for what in ("inbox", "saved", "outbox", "parked"):
        needed = max((n for (w, _), n in most.items() if w == what), default=0)
        allowed = schedule.least_saved if what == "saved" else 0
        assert getattr(slots, f"{what}_count") == max(needed, allowed)
