"""Findings about compiled programs: each on a value that has the fault, none on one that has not."""

from dataclasses import replace

import pytest

from axisrules.analysis import AxisPart, Collective, Ledger, LoopStep, SourceLine, read_memory, read_module
from axisrules.evidence.attribute import Numbering
from axisrules.evidence.lints import (
    lint_gradients,
    lint_idle_axes,
    lint_loops,
    lint_padding,
    lint_rematerializations,
    lint_slow_network,
    lint_unasked,
)
from axisrules.mesh import parse_mesh
from axisrules.resolve import Leaf, make_plan
from axisrules.rules import load_rules, parse_rules, parse_training

LINE = SourceLine("model.py", 40, "Mlp.__call__")
MIB = 1 << 20


def collective(kind, **facts):
    given = {
        "kind": kind, "instruction": "one", "computation": "main", "operand": 0, "operand_count": 1,
        "count": 4, "payload_bytes": MIB, "wire_bytes": 2 * MIB, "dtype": "f32",
        "shape": (512, 512), "group_size": 4,
        "axes": (AxisPart("fsdp", 4, 1, 4),), "network": "ici", "direction": "forward",
        "module_path": "Model/mlp", "op_name": "", "source": LINE,
        "logical_axes": ("embed",), "rules": ("rules.toml:7",),
    }  # fmt: skip
    return Collective(**given | facts)


@pytest.fixture
def plan():
    leaves = [
        Leaf("up", "params", (512, 2048), "float32", 4, ("embed", "mlp")),
        Leaf("up", "gradients", (512, 2048), "float32", 4, ("embed", "mlp")),
        Leaf("x", "batch", (8, 512), "float32", 4, ("batch", "embed")),
    ]
    return make_plan(leaves, load_rules("fsdp"), parse_mesh("fsdp=4"))


def codes(found):
    return [one.code for one in found]


def test_moved_data_without_a_rule_is_told_once_per_line():
    unasked = [collective("all-to-all", rules=()), collective("all-to-all", rules=(), instruction="two")]
    found = list(lint_unasked(Ledger((*unasked, collective("all-gather")))))
    assert codes(found) == ["AXR712"]
    assert (found[0].origin.file, found[0].origin.line) == ("model.py", 40)
    assert "8,388,608" in found[0].why


def test_what_is_small_is_bookkeeping():
    assert codes(lint_unasked(Ledger((collective("all-gather", rules=(), payload_bytes=4),)))) == []


def test_a_cut_gradient_that_is_summed_whole(plan):
    summed = collective("all-reduce", direction="backward", leaves=("params:up", "activations:m.py:3"))
    found = list(lint_gradients(Ledger((summed,)), plan))
    assert codes(found) == ["AXR713"]
    assert "4,194,304 more bytes" in found[0].why


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": "reduce-scatter"},
        {"direction": "forward"},
        {"leaves": ()},
        {"axes": (AxisPart("data", 4, 1, 4),)},
    ],
)
def test_a_gradient_that_is_summed_as_it_should_be(plan, facts):
    given = {"kind": "all-reduce", "direction": "backward", "leaves": ("params:up",)} | facts
    assert codes(lint_gradients(Ledger((collective(**given),)), plan)) == []


@pytest.mark.parametrize(
    ("network", "expected"), [("dcn", ["AXR714"]), ("infiniband", ["AXR714"]), ("ici", [])]
)
def test_a_forward_pass_that_waits_for_the_slow_network(network, expected):
    assert codes(lint_slow_network(Ledger((collective("all-gather", network=network),)))) == expected
    gradients = collective("all-reduce", network=network, direction="backward")
    assert codes(lint_slow_network(Ledger((gradients,)))) == []


def test_a_whole_parameter_gathered_in_every_round_of_a_loop(plan):
    inside = collective(
        "all-gather", shape=(512, 2048), loops=(LoopStep("while", 12),), leaves=("params:up",)
    )
    assert codes(lint_loops(Ledger((inside,)), plan)) == ["AXR715"]
    for changed in (
        {"loops": ()},
        {"loops": (LoopStep("while", 1),)},
        {"shape": (256, 2048)},
        {"leaves": ()},
    ):
        assert codes(lint_loops(Ledger((replace(inside, **changed),)), plan)) == []


def test_a_mesh_axis_that_cuts_nothing(plan):
    assert codes(lint_idle_axes(plan)) == []
    idle = make_plan(
        [one.leaf for one in plan.leaves], load_rules("fsdp"), parse_mesh("fsdp=4,data=2,tensor=1")
    )
    assert codes(lint_idle_axes(idle)) == []
    params = [one.leaf for one in plan.leaves if one.leaf.kind == "params"]
    assert codes(lint_idle_axes(make_plan(params, load_rules("fsdp"), parse_mesh("fsdp=4,data=2")))) == [
        "AXR717"
    ]


def test_stages_of_layers_in_a_list_are_no_idle_axis(plan):
    leaves = [one.leaf for one in plan.leaves]
    table = load_rules("fsdp") | parse_rules({"rules": {"layers": "stage"}})
    mesh = parse_mesh("fsdp=4,stage=2")
    assert codes(lint_idle_axes(make_plan(leaves, table, mesh))) == ["AXR717"]
    assert codes(lint_idle_axes(make_plan(leaves, table | parse_training({"schedule": "1f1b"}), mesh))) == []


def test_an_argument_that_is_mostly_padding(plan):
    numbering = Numbering(plan, (("params", "up"), ("batch", "x")), ())
    text = (
        "BufferAssignment:\nallocation 0: size {}, parameter 0, shape |f32[128,2048]| at ShapeIndex {{}}:\n"
    )
    assert codes(lint_padding(read_memory(text.format(8 * MIB)), numbering)) == ["AXR716"]
    assert codes(lint_padding(read_memory(text.format(MIB)), numbering)) == []


PARTITIONED = """\
HloModule jit_f

FileNames
1 "model.py"

FunctionNames
1 "Model.__call__"

FileLocations
1 {file_name_id=1 function_name_id=1 line=12 end_line=12 column=1 end_column=2}

StackFrames
1 {file_location_id=1 parent_frame_id=1}

ENTRY %main (p0: f32[8]) -> f32[8] {
  ROOT %p0 = f32[8]{0} parameter(0), sharding={replicated}
}
"""
MESSAGE = (
    "W1125 00:13:10.633745 20988 spmd_partitioner.cc:656] [SPMD] Involuntary full rematerialization. The"
    " compiler cannot go from sharding {devices=[2,1,4]<=[4,2]T(1,0)} to {devices=[1,8,1]<=[8]} efficiently"
    " for HLO operation %add.2 = f32[8,16,4]{2,1,0} add(%param, %param),"
    ' sharding={devices=[2,1,4]<=[4,2]T(1,0)}, metadata={op_name="jit(f)/add" stack_frame_id=1}. As the'
    " last resort, SPMD will replicate the tensor.\n"
)


def test_an_involuntary_rematerialization_is_told_at_the_models_line():
    found = list(lint_rematerializations("noise\n" + MESSAGE * 2, read_module(PARTITIONED)))
    assert codes(found) == ["AXR710"]
    assert (found[0].origin.file, found[0].origin.line) == ("model.py", 12)
    assert "{devices=[1,8,1]<=[8]}" in found[0].why
    assert found[0].subject == "%add.2 = f32[8,16,4]"


def test_other_messages_are_none_of_it():
    assert list(lint_rematerializations("W1125 something else\n", read_module(PARTITIONED))) == []
