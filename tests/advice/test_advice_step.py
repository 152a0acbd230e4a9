"""When advice on how a step is run is tried, and what with: nothing is compiled."""

import pytest

from axisrules.advice.advice_step import ask_memory, ask_microbatches, ask_remat, ask_split, ask_stages

TOO_LARGE = {"needed_bytes": 16 << 30}


def lines(proposal):
    return [one.lines for one in proposal.changes]


@pytest.mark.parametrize(
    ("remat", "tried"),
    [
        ("full", [('remat = "none"',), ('remat = "attention"',)]),
        ("attention", [('remat = "none"',)]),
        ("none", None),
        (None, None),
    ],
)
def test_what_is_recomputed_is_held_against_keeping_it(case_of, remat, tried):
    found = ask_remat(case_of("dp", "data=4", training={"remat": remat}))
    assert (found and lines(found)) == tried


def test_recomputing_is_tried_where_the_table_does_not_fit(case_of):
    assert ask_memory(case_of("dp", "data=4")) is None
    assert lines(ask_memory(case_of("dp", "data=4", **TOO_LARGE))) == [
        ('remat = "attention"',),
        ('remat = "full"',),
    ]
    full = case_of("dp", "data=4", training={"remat": "full"}, **TOO_LARGE)
    assert lines(ask_memory(full)) == [('remat = "attention"',)]


@pytest.mark.parametrize(
    ("rules", "mesh", "training", "evidence", "tried"),
    [
        ("dp", "data=4", {}, {}, None),
        ("dp", "data=4", {}, TOO_LARGE, ["accumulate = 2", "accumulate = 4"]),
        ("dp", "data=4", {"accumulate": 4}, {}, ["accumulate = 1", "accumulate = 2"]),  # 4 rows on a device
        (
            "dp",
            "data=2,spare=2",
            {"accumulate": 4},
            {},
            ["accumulate = 1", "accumulate = 2", "accumulate = 8"],
        ),
        ("pipeline", "data=1,stage=4", {}, {}, ["microbatches = 2", "microbatches = 8"]),
        ("pipeline", "data=1,stage=4", {"microbatches": 16}, {}, ["microbatches = 8"]),
    ],
)
def test_other_numbers_of_microbatches_divide_the_rows(case_of, rules, mesh, training, evidence, tried):
    found = ask_microbatches(case_of(rules, mesh, training=training, **evidence))
    assert (found and [line for (line,) in lines(found)]) == tried


def test_an_uneven_split_is_held_against_an_even_and_a_balanced_one(case_of):
    uneven = {"split": [5, 1, 1, 1]}
    found = ask_split(case_of("pipeline", "data=1,stage=4", sizes={"layers": 8}, training=uneven))
    assert ("split = [2, 2, 2, 2]",) in lines(found)
    assert ask_split(case_of("pipeline", "data=1,stage=4", sizes={"layers": 8})) is None
    assert ask_split(case_of("dp", "data=4")) is None


def test_a_heavy_head_asks_for_fewer_layers_beside_it(case_of):
    head = {"layers": 8, "vocab": 8192}  # whose head is two layers' work
    found = ask_split(case_of("pipeline", "data=1,stage=4", sizes=head))
    assert 1 in {one.table.pipeline.split[-1] for one in found.changes}


def test_stages_are_held_against_the_batchs_axis_without_any_pipeline(case_of):
    found = ask_stages(case_of("pipeline", "data=1,stage=4"))
    assert [one.table.mesh for one in found.changes] == ["data=4,stage=1"]
    assert found.changes[0].table.pipeline.schedule is None
    assert "no schedule" in found.changes[0].lines[-1]
    assert ask_stages(case_of("dp", "data=4")) is None
