"""When advice on mesh axes is tried, and what with: from plans alone, nothing is compiled."""

import pytest

from axisrules.advice.advice_mesh import (
    ask_data_parallel,
    ask_idle_axis,
    ask_state,
    ask_tensor_links,
    ask_tensor_ways,
)


def meshes(proposal):
    return [one.table.mesh for one in proposal.changes]


def test_tensor_parallelism_is_held_against_data_parallelism_and_fsdp(case_of):
    found = ask_data_parallel(case_of("tp", "data=1,tensor=4"))
    assert meshes(found) == ["data=4,tensor=1"] * 2
    assert [one.lines[1:] for one in found.changes] == [(), ("[kind.params]", 'embed = "data"')]


def test_fsdp_is_held_against_whole_parameters_and_zero_1(case_of):
    found = ask_data_parallel(case_of("fsdp", "fsdp=4"))
    assert [one.lines for one in found.changes] == [
        ("[kind.params]", "embed = []"),
        ("[kind.params]", "embed = []", "[kind.optimizer]", 'embed = "fsdp"'),
    ]


def test_a_model_that_nothing_cuts_is_left_alone(case_of):
    assert ask_data_parallel(case_of("dp", "data=4")) is None
    assert ask_data_parallel(case_of("context", "data=1,context=4")) is None


@pytest.mark.parametrize(
    ("mesh", "target", "slices", "expected"),
    [
        ("tensor=16,data=1", "gpu:h100:2x8", 1, ["tensor=8,data=2,slices:data=2"]),
        ("data=2,tensor=4", "gpu:h100:1x8", 1, None),
        ("tensor=16", "tpu:v5e:4x4", 1, ["data=4,tensor=4"]),
        ("data=4,tensor=4", "tpu:v5e:4x4", 1, None),
        ("data=4,tensor=2,slices:tensor=2", "tpu:v5e:2x2", 2, ["data=4,tensor=2,slices:data=2"]),
        ("data=4,tensor=2,slices:data=2", "tpu:v5e:2x2", 2, None),
    ],
)
def test_tensor_parallelism_is_kept_within_a_node_a_dim_of_the_torus_or_a_slice(
    case_of, mesh, target, slices, expected
):
    found = ask_tensor_links(case_of("tp", mesh, target, slices=slices))
    assert (found and meshes(found)) == expected


def test_the_ledger_shows_what_the_mesh_does_not_say(case_of):
    assert ask_tensor_links(case_of("tp", "tensor=4,data=2", "gpu:h100:2x4")) is None
    found = ask_tensor_links(case_of("tp", "tensor=4,data=2", "gpu:h100:2x4", crossing=["tensor"]))
    assert meshes(found) == ["tensor=4,data=2,slices:data=2"]
    assert "across nodes" in found.because


@pytest.mark.parametrize(
    ("ways", "target", "kept"),
    [(8, "tpu:v5e:2x4", None), (16, "tpu:v5e:4x4", [8]), (4, "tpu:v5e:2x2", None)],
)
def test_many_ways_are_held_against_eight(case_of, ways, target, kept):
    found = ask_tensor_ways(case_of("tp", f"data=1,tensor={ways}", target))
    assert (found and meshes(found)) == (kept and [f"data={ways // 8},tensor={n}" for n in kept])


def test_more_than_sixteen_ways_are_held_against_sixteen_too(case_of):
    wide = {"heads": 32, "kv_heads": 32, "head_dim": 8}
    found = ask_tensor_ways(case_of("tp", "data=1,tensor=32", "tpu:v5e:4x8", sizes=wide))
    assert meshes(found) == ["data=4,tensor=8", "data=2,tensor=16"]


def test_idle_devices_go_to_the_batch(case_of):
    assert meshes(ask_idle_axis(case_of("dp", "data=2,spare=2"))) == ["data=4,spare=1"]
    assert ask_idle_axis(case_of("dp", "data=4")) is None


def test_a_whole_state_is_cut_only_where_it_does_not_fit(case_of):
    assert ask_state(case_of("dp", "data=4")) is None
    assert ask_state(case_of("fsdp", "fsdp=4", needed_bytes=16 << 30)) is None
    found = ask_state(case_of("dp", "data=4", needed_bytes=16 << 30))
    assert [one.lines for one in found.changes] == [
        ("[kind.params]", 'embed = "data"'),
        ("[kind.optimizer]", 'embed = "data"'),
    ]
