"""A report's verdict on its own losses, by hand-made rows."""

from dataclasses import replace

import pytest

from axisrules.bench import LOSS_TOLERANCE, BenchReport, BenchRow


def report(*rows: BenchRow, dtype: str = "float32") -> BenchReport:
    return BenchReport("m", "linen", dtype, 8, 32, 2, 8, "cpu", {}, "a machine", rows)


FIRST = BenchRow("dp", "data=8", losses=(4.0, 2.0))


def test_the_largest_difference_of_any_step_counts() -> None:
    found = report(FIRST, replace(FIRST, losses=(4.0, 2.02)), replace(FIRST, losses=(4.4, 2.0)))
    assert found.loss_difference == pytest.approx(0.1)
    assert not found.is_equal


@pytest.mark.parametrize("dtype", sorted(LOSS_TOLERANCE))
def test_rounding_is_no_difference(dtype: str) -> None:
    inside = 4.0 * (1 + LOSS_TOLERANCE[dtype] / 2)
    outside = 4.0 * (1 + LOSS_TOLERANCE[dtype] * 2)
    assert report(FIRST, replace(FIRST, losses=(inside, 2.0)), dtype=dtype).is_equal
    assert not report(FIRST, replace(FIRST, losses=(outside, 2.0)), dtype=dtype).is_equal


def test_a_layout_that_failed_spoils_the_verdict_but_not_the_difference() -> None:
    found = report(FIRST, BenchRow("tp", "data=8", error="no such mesh axis"), FIRST)
    assert found.loss_difference == 0
    assert not found.is_equal


def test_one_layout_is_equal_to_itself() -> None:
    assert report(FIRST).is_equal
