"""The replay: cases worked out by hand, and the laws that any schedule keeps."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.analysis.replay import HBM, Branches, Done, Loop, Start, Step, Work, replay

LINKS = ("hbm", "ici:0+", "ici:0-", "ici:1+", "dcn")


def test_work_follows_work() -> None:
    assert replay([Work("compute", 2.0), Work("HBM", 3.0, 3.0)]).seconds == 5.0


def test_a_transfer_hides_behind_work() -> None:
    found = replay([Start("a", "ICI", 3.0, ("ici:0+",)), Work("compute", 5.0), Done("a")])
    assert found.seconds == 5.0
    assert found.exposed == {"compute": 5.0}
    assert found.busy == {"ICI": 3.0, "compute": 5.0}


def test_what_work_does_not_hide_is_exposed() -> None:
    found = replay([Start("a", "ICI", 3.0, ("ici:0+",)), Work("compute", 2.0), Done("a")])
    assert found.exposed == {"compute": 2.0, "ICI": 1.0}


def test_transfers_on_one_link_queue_and_on_two_links_do_not() -> None:
    one = [Start("a", "ICI", 3.0, ("ici:0+",)), Start("b", "ICI", 2.0, ("ici:0+",)), Done("a"), Done("b")]
    two = [Start("a", "ICI", 3.0, ("ici:0+",)), Start("b", "ICI", 2.0, ("ici:1+",)), Done("a"), Done("b")]
    assert replay(one).seconds == 5.0
    assert replay(two).seconds == 3.0


def test_a_copy_gets_only_the_memory_time_that_work_leaves() -> None:
    steps = [Start("copy", "HBM", 3.0, (HBM,)), Work("compute", 4.0, 2.0), Done("copy")]
    found = replay(steps)
    assert found.seconds == 5.0  # 2 of 3 seconds fit beside the work
    assert found.exposed == {"compute": 4.0, "HBM": 1.0}
    assert found.link_seconds == {HBM: 5.0}


def test_the_wait_is_blamed_on_what_holds_the_link() -> None:
    steps = [Start("a", "ICI data", 3.0, ("ici:0+",)), Start("b", "ICI tensor", 2.0, ("ici:0+",)), Done("b")]
    assert replay(steps).exposed == {"ICI data": 3.0, "ICI tensor": 2.0}


def test_what_is_never_awaited_still_ends_with_the_program() -> None:
    assert replay([Start("a", "DCN", 2.0, ("dcn",))]).seconds == 2.0


def test_a_transfer_runs_on_beside_a_loop() -> None:
    body = (Work("compute", 1.0, 0.25),)
    steps = [Start("copy", "HBM", 3.0, (HBM,)), Loop(body, 4), Done("copy")]
    assert replay(steps).seconds == 4.0  # four times 0.75 s of memory time is left
    assert replay([Start("copy", "HBM", 5.0, (HBM,)), Loop(body, 4), Done("copy")]).seconds == 6.0


def test_the_longest_branch_counts() -> None:
    assert replay([Branches(((Work("compute", 1.0),), (Work("HBM", 4.0),), ()))]).exposed == {"HBM": 4.0}


@st.composite
def schedules(draw: st.DrawFn, depth: int = 2) -> list[Step]:
    steps: list[Step] = []
    pending: list[str] = []
    for number in range(draw(st.integers(0, 8))):
        seconds = draw(st.integers(0, 8)) / 8
        action = draw(st.sampled_from(["work", "start", "done", "loop"]))
        if action == "work":
            steps.append(Work("compute", seconds, seconds * draw(st.sampled_from([0.0, 0.5, 1.0]))))
        elif action == "start":
            links = draw(st.sets(st.sampled_from(LINKS), min_size=1, max_size=3))
            steps.append(Start(f"t{number}", "ICI", seconds, tuple(sorted(links))))
            pending.append(f"t{number}")
        elif action == "done" and pending:
            steps.append(Done(pending.pop(draw(st.integers(0, len(pending) - 1)))))
        elif action == "loop" and depth:
            steps.append(Loop(tuple(draw(schedules(depth - 1))), draw(st.integers(0, 3))))
    return steps


def serial_seconds(steps: list[Step]) -> float:
    """All work and all transfers one after the other."""
    total = 0.0
    for step in steps:
        if isinstance(step, Loop):
            total += step.trips * serial_seconds(list(step.body))
        elif isinstance(step, Work | Start):
            total += step.seconds
    return total


def scaled(steps: list[Step], factor: float) -> list[Step]:
    """Every transfer `factor` times as long."""
    return [
        replace(step, seconds=step.seconds * factor)
        if isinstance(step, Start)
        else replace(step, body=tuple(scaled(list(step.body), factor)))
        if isinstance(step, Loop)
        else step
        for step in steps
    ]


def work_seconds(steps: list[Step]) -> float:
    return sum(
        step.trips * work_seconds(list(step.body))
        if isinstance(step, Loop)
        else step.seconds
        if isinstance(step, Work)
        else 0.0
        for step in steps
    )


@given(schedules())
def test_overlap_is_between_the_busiest_resource_and_one_thing_at_a_time(steps: list[Step]) -> None:
    found = replay(steps)
    assert found.seconds <= serial_seconds(steps) + 1e-9
    assert found.seconds >= max([work_seconds(steps), *found.link_seconds.values()]) - 1e-9


@given(schedules())
def test_the_terms_sum_to_the_step(steps: list[Step]) -> None:
    found = replay(steps)
    assert sum(found.exposed.values()) == pytest.approx(found.seconds)
    assert sum(found.busy.values()) == pytest.approx(serial_seconds(steps))


@given(schedules(), st.sampled_from([0.0, 0.5, 0.9]))
def test_faster_links_are_never_slower(steps: list[Step], factor: float) -> None:
    assert replay(scaled(steps, factor)).seconds <= replay(steps).seconds + 1e-9


@given(schedules(), st.integers(0, 5))
def test_trip_counts_multiply(steps: list[Step], trips: int) -> None:
    assert replay([Loop(tuple(steps), trips)]).seconds == pytest.approx(trips * replay(steps).seconds)
