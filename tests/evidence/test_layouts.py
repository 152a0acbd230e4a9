"""The layouts that XLA chose: all as planned where nothing is in its way, and told where they are not."""

import pytest

from axisrules.analysis import read_module
from axisrules.evidence.attribute import Numbering
from axisrules.evidence.layouts import check_layouts
from axisrules.mesh import parse_mesh
from axisrules.resolve import Leaf, make_plan
from axisrules.rules import load_rules

PROGRAM = """\
HloModule jit_call, entry_computation_layout={(f32[16,64]{1,0}, f32[8,16]{1,0})->(f32[16,64]{1,0})}

ENTRY %main (p0: f32[16,64], p1: f32[8,16]) -> (f32[16,64]) {
  %p0 = f32[16,64]{1,0} parameter(0), sharding={devices=[1,4,2]<=[2,4]T(1,0) last_tile_dim_replicate}
  %p1 = f32[8,16]{1,0} parameter(1), sharding={devices=[2,1,4]<=[8] last_tile_dim_replicate}
  %dot = f32[8,64]{1,0} dot(%p1, %p0), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  %constraint = f32[8,64]{1,0} copy(%dot), sharding={devices=[2,4]<=[8]}, NAME
  ROOT %tuple = (f32[16,64]{1,0}) tuple(%p0), sharding={UP}
}
"""
NAME = 'metadata={op_name="jit(f)/axr(activation;batch,mlp;model.py:7)/sharding_constraint"}'
UP = "{devices=[1,4,2]<=[2,4]T(1,0) last_tile_dim_replicate}"
PROGRAM = PROGRAM.replace("NAME", NAME).replace("UP", UP)


@pytest.fixture
def numbering():
    leaves = [
        Leaf("up", "params", (16, 64), "float32", 4, ("embed", "mlp")),
        Leaf("x", "batch", (8, 16), "float32", 4, ("batch", None)),
        Leaf("model.py:7", "activations", (8, 64), "float32", 4, ("batch", "mlp")),
    ]
    plan = make_plan(leaves, load_rules("tp"), parse_mesh("data=2,tensor=4"))
    return Numbering(plan, (("params", "up"), ("batch", "x")), (("params", "up"),))


def verdicts(text, numbering):
    return {
        (check.place, check.name): check.is_as_planned
        for check in check_layouts(read_module(text), numbering)
    }


def test_every_array_that_lies_as_planned_is_so(numbering):
    assert verdicts(PROGRAM, numbering) == {
        ("argument", "params:up"): True,
        ("argument", "batch:x"): True,
        ("result", "params:up"): True,
        ("activation", "activations:model.py:7"): True,
    }


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        (
            f"parameter(0), sharding={UP}",
            f"parameter(0), sharding={UP.replace('1,4,2', '4,1,2')}",
            "argument",
        ),
        (f"tuple(%p0), sharding={{{UP}}}", "tuple(%p0), sharding={{replicated}}", "result"),
        ("copy(%dot), sharding={devices=[2,4]<=[8]}", "copy(%dot), sharding={replicated}", "activation"),
    ],
)
def test_an_array_that_lies_otherwise_is_told(numbering, before, after, place):
    assert before in PROGRAM
    found = verdicts(PROGRAM.replace(before, after), numbering)
    assert [where for (where, _), as_planned in found.items() if not as_planned] == [place]


def test_a_dim_without_a_name_is_xlas_to_choose(numbering):
    text = PROGRAM.replace("[2,1,4]<=[8] last_tile_dim_replicate", "[2,4]<=[8]")
    assert verdicts(text, numbering)["argument", "batch:x"] is True


def test_a_layout_that_fixes_nothing_is_not_compared(numbering):
    text = PROGRAM.replace("{devices=[2,1,4]<=[8] last_tile_dim_replicate}", "{manual}")
    assert verdicts(text, numbering)["argument", "batch:x"] is None


def test_constraints_of_the_backward_pass_and_of_others_are_left_out(numbering):
    backward = PROGRAM.replace("jit(f)/axr", "jit(f)/transpose(jvp())/axr")
    others = PROGRAM.replace("axr(activation;batch,mlp;model.py:7)", "Model")
    for text in (backward, others):
        assert not any(place == "activation" for place, _ in verdicts(text, numbering))


@pytest.mark.slow
@pytest.mark.parametrize("target", ["tpu:v5e:2x4", "gpu:h100:1x8", "local"])
def test_the_decoder_lies_as_planned_on_every_platform(evidence_of, target):
    evidence = evidence_of("fsdp_tp", "fsdp=2,tensor=4", target)
    places = [check.place for check in evidence.checks]
    assert {*places} == {"argument", "result", "activation"}
    kept = ("params", "optimizer", "batch")
    assert places.count("argument") == sum(leaf.leaf.kind in kept for leaf in evidence.plan.leaves)
    assert all(check.is_as_planned for check in evidence.checks)
