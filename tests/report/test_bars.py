import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.report.page import Bar, Part, make_chart
from axisrules.report.quantities import readable_bytes, readable_seconds

AMOUNTS = st.lists(st.floats(0, 1e12, allow_subnormal=False), min_size=1, max_size=6)


def bar(amounts, limit=None) -> Bar:
    parts = tuple(Part(f"k{n}", f"part {n}", amount, str(amount)) for n, amount in enumerate(amounts))
    return Bar("a layout", "", parts, "all", limit=limit)


@given(st.lists(AMOUNTS, min_size=1, max_size=5), st.floats(1e-6, 1e12))
def test_parts_follow_one_another_within_the_chart(bars, limit):
    chart = make_chart("t", [bar(amounts, limit) for amounts in bars], readable_seconds)
    for one in chart.bars:
        end = 0.0
        for segment in chart.segments(one):
            assert segment.start == pytest.approx(end, abs=1e-6)
            end = segment.start + segment.width
        assert end <= 100
        assert end == pytest.approx(chart.percent(one.total), abs=1e-6)
        assert chart.percent(one.limit) <= 100


@given(st.floats(1e-9, 1e15), st.sampled_from([10, 1024]))
def test_ticks_are_few_and_start_at_nothing(largest, base):
    chart = make_chart("t", [bar([largest])], str, base=base)
    assert 2 <= len(chart.ticks) <= 6
    assert chart.ticks[0].start == 0
    assert all(0 <= tick.start <= 100 for tick in chart.ticks)


def test_ticks_of_bytes_are_round_in_bytes():
    chart = make_chart("t", [bar([95 * 2**30])], lambda size: readable_bytes(int(size)), base=1024)
    assert [tick.words for tick in chart.ticks] == ["0 B", "25.0 GiB", "50.0 GiB", "75.0 GiB"]


def test_a_bar_in_words_has_all_its_parts():
    assert bar([1.0, 2.0]).sentence == "a layout: all, of which part 0 1.0, part 1 2.0"


def test_no_bars_are_no_error():
    assert make_chart("t", [], str).bars == ()
    assert make_chart("t", [bar([0.0])], str).segments(bar([0.0])) == []
