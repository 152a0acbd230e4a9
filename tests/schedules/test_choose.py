"""Schedules by name: what is refused, and why."""

import pytest

from axisrules.diagnostics import AxisRulesError
from axisrules.schedules import SCHEDULES, make_schedule


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_name_makes_its_schedule(name):
    assert make_schedule(name, 2, 4).name == name


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("1fib", 4, 8), "AXR750", "`1fib`"),
        (("1f1b", 0, 8), "AXR751", "stages=0"),
        (("gpipe", 4, 0), "AXR751", "microbatches=0"),
        (("interleaved", 4, 6, 2), "AXR751", "microbatches=6 is not a multiple of stages=4"),
        (("1f1b", 4, 8, 2), "AXR751", "repeats=2"),
        (("zero_bubble", 4, 8, 2), "AXR751", "repeats=2"),
        (("gpipe", 1000, 1001), "AXR751", "1,001,000 tasks"),
    ],
)
def test_numbers_that_do_not_fit_are_named(arguments, code, words):
    with pytest.raises(AxisRulesError, match=words) as caught:
        make_schedule(*arguments)
    assert [d.code for d in caught.value.diagnostics] == [code]


def test_a_misspelt_name_is_answered_with_the_right_one():
    with pytest.raises(AxisRulesError) as caught:
        make_schedule("interleave", 4, 8)
    assert "interleaved" in caught.value.diagnostics[0].fix
