"""Advice is given where its numbers say so, and nowhere else."""

import pytest

from axisrules.schedules import (
    Costs,
    advise_balance,
    advise_bubble,
    advise_need,
    advise_network,
    advise_rows,
    even_split,
    make_schedule,
)


def codes(found):
    return [one.code for one in found]


@pytest.mark.parametrize(
    ("microbatches", "expected"), [(4, ["AXR760"]), (11, ["AXR760"]), (12, []), (32, [])]
)
def test_a_large_bubble(microbatches, expected):
    found = list(advise_bubble(make_schedule("1f1b", 4, microbatches)))
    assert codes(found) == expected


def test_what_it_proposes_is_enough():
    (found,) = advise_bubble(make_schedule("1f1b", 4, 4))
    wanted = int(found.fix.split()[2].rstrip(","))
    assert not list(advise_bubble(make_schedule("1f1b", 4, wanted)))


def test_costs_count():
    schedule = make_schedule("zero_bubble", 4, 9)
    assert not list(advise_bubble(schedule, Costs(weight=8)))
    assert codes(advise_bubble(schedule, Costs(weight=0))) == ["AXR760"]


def test_a_pipeline_that_nobody_needs():
    assert codes(advise_need(10, 100, 4)) == ["AXR761"]
    assert codes(advise_need(20, 100, 4)) == []


def test_tensor_parallelism_over_the_slow_network():
    assert codes(advise_network({"tensor": 2}, "tensor", "stage")) == ["AXR762"]
    assert codes(advise_network({"stage": 2}, "tensor", "stage")) == []
    assert codes(advise_network({}, "tensor", "stage")) == []


def test_microbatches_too_small_for_a_matrix_unit():
    assert codes(advise_rows(1, 64)) == ["AXR763"]
    assert codes(advise_rows(2, 64)) == []


def test_an_imbalance():
    assert codes(advise_balance(even_split([1.0] * 8, 4, last=2.6))) == ["AXR764"]
    assert codes(advise_balance(even_split([1.0] * 8, 4))) == []
