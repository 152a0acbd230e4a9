"""Facts of schedules against the formulas of the papers, and against counting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.schedules import Costs, facts, head_loops, loops, make_schedule


@given(st.integers(1, 8), st.integers(1, 24))
def test_1f1b_has_the_classic_bubble(stages, microbatches):
    found = facts(make_schedule("1f1b", stages, microbatches))
    assert found.bubble == pytest.approx((stages - 1) / (microbatches + stages - 1))
    assert found.ticks == 2 * (microbatches + stages - 1)


@given(st.integers(2, 6), st.integers(1, 4), st.integers(2, 4))
def test_interleaving_divides_the_bubble(stages, groups, repeats):
    microbatches = stages * groups
    found = facts(make_schedule("interleaved", stages, microbatches, repeats))
    assert found.bubble == pytest.approx((stages - 1) / (microbatches * repeats + stages - 1))


@given(st.integers(1, 6), st.integers(1, 12))
def test_gpipe_waits_as_long_and_keeps_everything(stages, microbatches):
    found = facts(make_schedule("gpipe", stages, microbatches))
    assert found.bubble == pytest.approx((stages - 1) / (microbatches + stages - 1))
    assert found.peak_live == found.ring == microbatches


@given(st.integers(1, 6), st.integers(1, 20))
def test_1f1b_keeps_no_more_for_more_microbatches(stages, microbatches):
    found = facts(make_schedule("1f1b", stages, microbatches))
    assert found.peak_live == min(microbatches, 2 * stages - 1)
    assert found.ring == (2 * stages - 1 if microbatches >= stages else microbatches)


@given(st.integers(2, 4), st.integers(1, 5), st.integers(1, 3), st.booleans())
def test_what_fits_with_some_microbatches_fits_with_any_number(stages, groups, repeats, is_spread):
    """The places are those of a pipeline that is never without work, as counted on a long one."""
    shape = {"repeats": repeats, "head_rounds": stages * is_spread}
    few = facts(make_schedule("interleaved", stages, stages * groups, **shape))
    many = facts(make_schedule("interleaved", stages, stages * 12, **shape))
    assert few.ring == many.ring == many.peak_live


@given(st.integers(2, 6), st.integers(8, 20))
def test_zero_bubble_waits_only_for_forward_and_backward(stages, microbatches):
    costs = Costs(forward=1, backward=1, weight=1)
    found = facts(make_schedule("zero_bubble", stages, microbatches), costs)
    assert found.seconds == pytest.approx(2 * (microbatches + stages - 1) + microbatches)
    assert found.bubble < facts(make_schedule("1f1b", stages, microbatches), costs).bubble


@given(st.integers(2, 4), st.integers(4, 12))
def test_spreading_the_head_costs_no_tick_once_the_pipeline_fills(stages, microbatches):
    near = make_schedule("1f1b", stages, microbatches)
    spread = make_schedule("1f1b", stages, microbatches, head_rounds=stages)
    assert facts(spread).ticks == facts(near).ticks
    assert facts(spread).ring <= facts(near).ring + stages


def test_loops_are_the_three_of_1f1b():
    schedule = make_schedule("1f1b", 4, 16)
    turned = [(loop.trips, loop.kinds) for loop in loops(schedule)]
    assert turned == [(3, ("forward",)), (16, ("forward", "backward")), (3, ("backward",))]
    assert head_loops(schedule) == (False, True, False)


def test_a_cheap_head_and_costly_ticks_are_counted():
    schedule = make_schedule("1f1b", 2, 2)
    plain = facts(schedule, Costs(1, 1, 1))
    assert facts(schedule, Costs(1, 1, 1, per_tick=0.5)).seconds == plain.seconds + 0.5 * 6
    assert facts(schedule, Costs(1, 1, 1, head=2)).seconds == plain.seconds + 2 * 2
