"""The verifier against schedules that are right, and against each way of breaking one."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.diagnostics import AxisRulesError
from axisrules.schedules import Schedule, Task, make_schedule, verify

NAMES = ("gpipe", "1f1b", "interleaved", "zero_bubble")


@st.composite
def schedules(draw):
    name = draw(st.sampled_from(NAMES))
    stages = draw(st.integers(1, 5))
    repeats = draw(st.integers(1, 3)) if name == "interleaved" else 1
    microbatches = draw(st.integers(1, 9))
    if repeats > 1:
        microbatches = stages * draw(st.integers(1, 3))
    head = draw(st.sampled_from((0, stages)))
    return make_schedule(name, stages, microbatches, repeats, head_rounds=head)


def replayed(schedule):
    """A second opinion: run the schedule, and hand over only what has been computed and sent before."""
    ready = {("forward", i, 0): 0 for i in range(schedule.microbatches)}
    last = schedule.virtual_stages - 1
    seen = set()
    for task in schedule.tasks:
        turn = schedule.round_of_tick[task.tick]
        key = (task.kind, task.microbatch, task.virtual_stage)
        assert key not in seen
        assert ready.get(key, 10**9) <= turn, key
        seen.add(key)
        kind, i, k = key
        if kind == "forward":
            ready["forward", i, k + 1] = turn + 1
            if k == last:
                ready["backward", i, k] = turn + schedule.head_rounds
        if kind == "backward":
            ready["backward", i, k - 1] = turn + 1
            ready["weight", i, k] = turn
    kinds = 3 if schedule.has_weight_tasks else 2
    assert len(seen) == kinds * schedule.microbatches * schedule.virtual_stages


@given(schedules())
def test_every_schedule_made_is_accepted_and_runs(schedule):
    verify(schedule)
    replayed(schedule)


@given(schedules(), st.data())
def test_a_lost_task_is_found(schedule, data):
    lost = data.draw(st.integers(0, len(schedule.tasks) - 1))
    with pytest.raises(AxisRulesError) as caught:
        verify(replace(schedule, tasks=schedule.tasks[:lost] + schedule.tasks[lost + 1 :]))
    assert [d.code for d in caught.value.diagnostics] == ["AXR757"]


@given(schedules(), st.data())
def test_a_task_done_twice_is_found(schedule, data):
    again = data.draw(st.sampled_from(schedule.tasks))
    with pytest.raises(AxisRulesError):
        verify(replace(schedule, tasks=(*schedule.tasks, again)))


@given(schedules(), st.data())
def test_a_task_moved_to_another_tick_is_found_where_it_breaks_something(schedule, data):
    index = data.draw(st.integers(0, len(schedule.tasks) - 1))
    tick = data.draw(st.integers(0, len(schedule.ticks) - 1))
    moved = replace(schedule.tasks[index], tick=tick)
    others = schedule.tasks[:index] + schedule.tasks[index + 1 :]
    changed = replace(schedule, tasks=tuple(sorted((*others, moved), key=lambda t: (t.tick, t.device))))
    collides = any((t.tick, t.device) == (moved.tick, moved.device) for t in others)
    wrong_kind = schedule.ticks[tick] != moved.kind
    try:
        replayed(changed)
        is_fine = not collides and not wrong_kind
    except AssertionError:
        is_fine = False
    if is_fine:
        verify(changed)
    else:
        with pytest.raises(AxisRulesError):
            verify(changed)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda t: replace(t, device=1 - t.device), "does not hold it"),
        (lambda t: replace(t, microbatch=7), "none of the schedule's"),
        (lambda t: replace(t, tick=99), "there are 8 ticks"),
    ],
)
def test_a_task_out_of_place_is_found(change, word):
    schedule = make_schedule("1f1b", 2, 3)
    first, *others = schedule.tasks
    with pytest.raises(AxisRulesError, match=word):
        verify(replace(schedule, tasks=(change(first), *others)))


def test_ticks_of_a_round_keep_their_order():
    tasks = (Task(0, 0, "forward", 0, 0), Task(1, 0, "backward", 0, 0))
    good = Schedule("mine", 1, 1, 1, (("forward", "backward"),), tasks)
    verify(good)
    with pytest.raises(AxisRulesError, match="not in order"):
        verify(replace(good, rounds=(("backward", "forward"),)))


def test_live_microbatches_are_bounded():
    verify(make_schedule("1f1b", 4, 16), max_live=7)
    with pytest.raises(AxisRulesError, match="keeps 16 microbatches"):
        verify(make_schedule("gpipe", 4, 16), max_live=7)
