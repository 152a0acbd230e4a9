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


@pytest.mark.parametrize("name", ["gpipe", "1f1b", "zero_bubble", "interleaved"])
@pytest.mark.parametrize("costs", [Costs(), Costs(head=2.0), Costs(imbalance=0.1)])
def test_what_it_proposes_is_enough_and_no_more(name, costs):
    shape = {"repeats": 2 if name == "interleaved" else 1, "head_rounds": 4 if costs.head else 0}
    small = make_schedule(name, 4, 4, **shape)
    for found in advise_bubble(small, costs):
        wanted = int(found.fix.split()[2].rstrip(","))
        assert not list(advise_bubble(make_schedule(name, 4, wanted, **shape), costs))
        if wanted > 4:
            assert list(advise_bubble(make_schedule(name, 4, wanted - 4, **shape), costs))


def test_where_no_number_of_microbatches_is_enough_none_is_proposed():
    (found,) = advise_bubble(make_schedule("1f1b", 4, 4), Costs(imbalance=1.0))
    assert "microbatches" not in found.fix


def test_costs_count():
    schedule = make_schedule("zero_bubble", 4, 9)
    assert not list(advise_bubble(schedule, Costs(weight=8)))
    assert codes(advise_bubble(schedule, Costs(weight=0))) == ["AXR760"]


def test_a_pipeline_that_nobody_needs():
    assert codes(advise_need(40, 100)) == ["AXR761"]
    assert codes(advise_need(50, 100)) == []


def test_tensor_parallelism_over_the_slow_network():
    assert codes(advise_network({"tensor": 2}, "tensor", "stage")) == ["AXR762"]
    assert codes(advise_network({"stage": 2}, "tensor", "stage")) == []
    assert codes(advise_network({}, "tensor", "stage")) == []
    (found,) = advise_network({"tensor": 2}, "tensor", None)
    assert "slices:stage=2" in found.fix
    assert codes(advise_network({"data": 2}, "tensor", None)) == []


def test_microbatches_too_small_for_a_matrix_unit():
    assert codes(advise_rows(1, 64)) == ["AXR763"]
    assert codes(advise_rows(2, 64)) == []


def test_an_imbalance():
    assert codes(advise_balance(even_split([1.0] * 8, 4, last=2.6))) == ["AXR764"]
    assert codes(advise_balance(even_split([1.0] * 8, 4))) == []
