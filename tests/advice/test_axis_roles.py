"""What a mesh axis is for, told from a plan alone, for every shipped table."""

import pytest

from axisrules.advice.axis_roles import axis_roles, layer_count, rows_reason
from axisrules.mesh import parse_mesh
from axisrules.resolve import Leaf, make_plan
from axisrules.rules import load_rules, parse_rules


def roles_of(program, rules, mesh):
    return axis_roles(make_plan(program().leaves, load_rules(rules), parse_mesh(mesh)))


@pytest.mark.parametrize(
    ("rules", "mesh", "model", "state", "stage"),
    [
        ("dp", "data=8", (), (), None),
        ("fsdp", "fsdp=8", (), ("fsdp",), None),
        ("zero1", "data=8", (), ("data",), None),
        ("zero2", "data=8", (), ("data",), None),
        ("tp", "data=2,tensor=4", ("tensor",), (), None),
        ("fsdp_tp_sp", "fsdp=2,tensor=4", ("tensor",), ("fsdp",), None),
        ("fsdp_tp_sp", "fsdp=8,tensor=1", (), ("fsdp",), None),
        ("context", "data=2,context=4", (), (), None),
        ("pipeline", "data=2,stage=4", (), (), "stage"),
        ("pipeline", "data=8,stage=1", (), (), None),
        ("3d", "data=2,tensor=2,stage=2", ("tensor",), (), "stage"),
        ("t5x_1_2", "data=2,model=4", ("model",), ("data",), None),
    ],
)
def test_shipped_tables(program, rules, mesh, model, state, stage):
    roles = roles_of(program, rules, mesh)
    assert (roles.model, roles.state, roles.stage) == (model, state, stage)
    assert roles.idle == ()


def test_axes_of_the_rows_are_the_tables_word_whatever_the_mesh_has(program):
    assert roles_of(program, "tp", "tensor=8").rows == ("data",)
    assert roles_of(program, "fsdp", "fsdp=8").rows == ("data", "fsdp")


def test_an_axis_that_cuts_nothing_is_idle(program):
    assert roles_of(program, "dp", "data=4,spare=2").idle == ("spare",)


def test_stages_are_not_idle_where_layers_stand_in_a_list():
    leaf = Leaf("layers_0/up", "params", (64, 64), "float32", 4, ("embed", "mlp"))
    tokens = Leaf("tokens", "batch", (8, 32), "int32", 4, ("batch", "seq"))
    roles = axis_roles(make_plan([leaf, tokens], load_rules("pipeline"), parse_mesh("data=2,stage=4")))
    assert (roles.stage, roles.idle) == ("stage", ())


def test_rows_and_layers(program):
    plan = make_plan(program(rows=32, layers=6).leaves, load_rules("dp"), parse_mesh("data=8"))
    assert (rows_reason(plan).size, rows_reason(plan).ways) == (32, 8)
    assert layer_count(plan) == 6


def test_rows_are_the_first_dim_of_the_batch_whatever_its_name():
    weights = Leaf("weights", "batch", (1, 32), "float32", 4, (None, "feature"))
    leaves = [weights, Leaf("examples", "batch", (8, 32), "float32", 4, ("example", "feature"))]
    table = parse_rules({"name": "mine", "rules": {"example": "data", "feature": "tensor"}})
    assert axis_roles(make_plan(leaves, table, parse_mesh("data=2,tensor=4"))).rows == ("data",)
