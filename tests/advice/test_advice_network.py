"""When advice on networks is tried, and what with: from plans and ledgers made by hand."""

import pytest

from axisrules.advice.advice_network import (
    ask_communication,
    ask_pipeline,
    ask_sequence,
    ask_stage_across,
)
from axisrules.analysis import CostTerm, StepEstimate


def estimate(waiting, working):
    terms = (CostTerm("ICI", ("tensor",), waiting, waiting), CostTerm("compute", (), working, working))
    return StepEstimate(terms, 1, 1.0, uses_compiler_cycles=False)


def test_a_stage_for_every_slice_takes_its_devices_from_each_axis_that_has_them(case_of):
    found = ask_pipeline(case_of("fsdp", "data=2,fsdp=4", slices=2, crossing=["data"]))
    assert [one.table.mesh for one in found.changes] == [
        "stage=2,data=1,fsdp=4,slices:stage=2",
        "stage=2,data=2,fsdp=2,slices:stage=2",
    ]
    assert {one.table.pipeline.schedule for one in found.changes} == {"1f1b"}
    rows = [16 // 4, 16 // 4]  # of each data shard
    for one, own in zip(found.changes, rows, strict=True):
        assert own % one.table.pipeline.microbatches == 0


@pytest.mark.parametrize(
    ("rules", "mesh", "slices", "crossing", "sizes"),
    [
        ("fsdp", "fsdp=4", 1, [], {}),  # one slice
        ("fsdp", "fsdp=8", 2, [], {}),  # nothing crosses
        ("fsdp", "fsdp=8", 2, ["fsdp"], {"layers": 5}),  # layers that do not divide
        ("pipeline", "data=2,stage=4", 2, ["data"], {}),  # a pipeline already
    ],
)
def test_no_pipeline_is_tried_where_there_is_none_to_be(case_of, rules, mesh, slices, crossing, sizes):
    assert ask_pipeline(case_of(rules, mesh, slices=slices, crossing=crossing, sizes=sizes)) is None


def test_stages_are_put_across_where_tensor_parallelism_is(case_of):
    found = ask_stage_across(case_of("3d", "data=2,stage=2,tensor=2,slices:tensor=2", slices=2))
    assert [one.table.mesh for one in found.changes] == ["data=2,stage=2,tensor=2,slices:stage=2"]
    assert ask_stage_across(case_of("3d", "data=2,stage=2,tensor=2,slices:stage=2", slices=2)) is None
    assert ask_stage_across(case_of("3d", "data=2,stage=2,tensor=2,slices:data=2", slices=2)) is None


def test_communication_is_asked_about_above_a_fifth_alone(case_of):
    much, little = estimate(3.0, 7.0), estimate(2.0, 8.0)
    found = ask_communication(case_of("fsdp_tp", "fsdp=2,tensor=2", estimate=much))
    assert [one.table.mesh for one in found.changes] == [
        "data=2,fsdp=2,tensor=1",
        "fsdp=4,tensor=1",
        "data=2,fsdp=1,tensor=2",
    ]
    assert "30%" in found.because
    assert ask_communication(case_of("fsdp_tp", "fsdp=2,tensor=2", estimate=little)) is None
    assert ask_communication(case_of("fsdp_tp", "fsdp=2,tensor=2")) is None


def test_sequence_parallelism_is_what_the_shipped_table_says(case_of):
    found = ask_sequence(case_of("fsdp_tp", "fsdp=2,tensor=2"))
    shipped = case_of("fsdp_tp_sp", "fsdp=2,tensor=2")
    leaves = {leaf.path: leaf.spec for leaf in shipped.plan.leaves if leaf.leaf.kind != "activations"}
    from axisrules.mesh import parse_mesh
    from axisrules.resolve import make_plan

    made = make_plan(shipped.program.leaves, found.changes[0].table, parse_mesh("fsdp=2,tensor=2"))
    assert {leaf.path: leaf.spec for leaf in made.leaves} == {
        leaf.path: leaf.spec for leaf in shipped.plan.leaves
    }
    assert leaves
    assert ask_sequence(shipped) is None
    assert ask_sequence(case_of("fsdp", "fsdp=4")) is None


def test_sequence_parallelism_never_cuts_rows(case_of, tmp_path):
    whole = tmp_path / "whole_rows.toml"
    whole.write_text("[rules]\nbatch = []\n")
    found = ask_sequence(case_of(f"tp+{whole}", "tensor=4"))
    assert [change.words for change in found.changes] == ["`seq` cut over `tensor` where nothing else is"]
