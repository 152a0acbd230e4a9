"""A verdict holds two layouts against each other, and says nothing of what the estimate may err by."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.advice import Change, Trial, Verdict
from axisrules.advice.verdict import gain_words
from axisrules.analysis import CostTerm, StepEstimate
from axisrules.diagnostics import catalog
from axisrules.evidence import ERROR_BAR, LayoutEvidence
from axisrules.mesh import parse_mesh, parse_target
from axisrules.rules import load_rules

CHANGE = Change("the change", ('mesh = "data=4"',), load_rules("dp"))
seconds = st.floats(1e-6, 1e3)


def layout(step_seconds=0.010, needed=4, **facts):
    made = LayoutEvidence("tp", parse_mesh("tensor=4"), parse_target("tpu:v5e:2x2"), "fast")
    return replace(made, step_seconds=step_seconds, needed_bytes=needed, hbm_bytes=16, **facts)


def verdict(base, *others, problem=""):
    trials = tuple(Trial(CHANGE, other, problem) for other in others)
    return Verdict(catalog.MODEL_CUT_NEEDLESSLY, "because", base, trials)


def estimate(**spent):
    axes = {"ICI": ("tensor",), "DCN": ("data",)}
    terms = tuple(CostTerm(name, axes.get(name, ()), time, time) for name, time in spent.items())
    return StepEstimate(terms, 1, 1.0, uses_compiler_cycles=False)


@given(seconds, seconds)
def test_only_more_than_the_error_bar_is_better_and_the_other_way_round_it_is_slower(own, other):
    there, back = verdict(layout(own), layout(other)), verdict(layout(other), layout(own))
    saved = 1 - other / own
    assert (there.finding is not None) == (saved > ERROR_BAR)
    assert there.gain(there.trials[0]) == pytest.approx(saved)
    outcomes = there.outcome(there.trials[0]), back.outcome(back.trials[0])
    assert outcomes in {("better", "slower"), ("slower", "better"), ("tie", "tie")}


@pytest.mark.parametrize(
    ("base", "other", "outcome"),
    [
        (layout(), layout(0.001, needed=17), "does not fit"),
        (layout(needed=17), layout(0.001, needed=17), "does not fit"),
        (layout(needed=17), layout(0.020), "fits"),
        (layout(), layout(None), "unknown"),
        (layout(), layout(0.001, needed=None), "unknown"),
        (layout(None, error="the compiler was killed"), layout(0.001), "unknown"),
        (layout(), None, "unknown"),
    ],
)
def test_what_does_not_fit_or_is_not_known_gives_no_advice_unless_the_table_itself_does_not_fit(
    base, other, outcome
):
    found = verdict(base, other)
    assert found.outcome(found.trials[0]) == outcome
    assert (found.finding is not None) == (outcome in ("better", "fits"))


def test_the_fastest_of_several_that_are_better_is_the_advice():
    found = verdict(layout(), layout(0.008), layout(0.006), layout(0.004, needed=17))
    assert found.best is found.trials[1]
    assert found.finding.code == "AXR920"
    assert "40% of the step" in found.finding.why
    assert 'mesh = "data=4"' in found.finding.fix


def test_the_gain_names_what_falls_most_as_shares_of_the_step():
    before = layout(0.010, estimate=estimate(compute=0.005, ICI=0.004, HBM=0.001))
    after = layout(0.006, estimate=estimate(compute=0.0045, ICI=0.001, DCN=0.0005))
    words = gain_words(before, after)
    assert "exposed communication over `tensor` falls from 40% of it to 10%" in words
    assert "time waiting for memory falls from 10% of it to 0%" in words
    assert "matrix units" not in words
    assert "10 ms to 6" in words


def test_what_fits_is_said_with_the_bytes_of_both():
    words = gain_words(layout(needed=17), layout(0.020, needed=9))
    assert "17 of 16 bytes" in words
    assert "with 9" in words
