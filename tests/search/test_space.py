"""Spaces against a count by hand, and against plans: nothing twice, nothing that does not fit its mesh."""

from collections import Counter

import pytest

from axisrules.diagnostics import AxisRulesError
from axisrules.mesh import parse_mesh, parse_target
from axisrules.resolve import make_plan
from axisrules.rules import dump_rules, load_rules, read_rules
from axisrules.search import make_space, parse_constraints, signature_of

PLAIN = ("remat=none", "accumulate=1", "sharded=params")
V5E = parse_target("tpu:v5e:2x4")


def space_of(program, fixed=PLAIN, forbidden=(), mesh="", target=V5E):
    return make_space(program, target, parse_constraints(fixed, forbidden, mesh))


def test_the_count_is_that_of_a_count_by_hand(program):
    # Meshes of data x fsdp x tensor on 8 devices: 10, of which 4 without tensor. With it, the 7 choices of
    # the 3 groups, each with and without a cut sequence; kv_heads has 4 and is left whole over 8.
    space = space_of(program, mesh="data=*,fsdp=*,tensor=*")
    assert len(space) == 4 + 6 * 7 * 2


def test_every_candidate_has_a_plan_of_its_own(space):
    layouts = [one for one in space.candidates if one.remat == "none" and one.accumulate == 1]
    signatures = Counter(signature_of(space, space.table(one)) for one in layouts)
    assert None not in signatures
    assert set(signatures.values()) == {1}


def test_every_candidate_is_a_plan_without_errors(space):
    for one in space.candidates[::17]:
        table = space.table(one)
        plan = make_plan(space.program.leaves, table, space.target.fit(parse_mesh(table.mesh)))
        used = {axis for leaf_plan in plan.leaves for dim in leaf_plan.spec for axis in dim}
        assert used == {axis for axis, _ in one.sizes}
        assert plan.mesh.device_count == 8


def test_a_mesh_axis_that_cuts_nothing_is_left_out(program):
    # 8 heads do not divide over 16: to cut them alone, and no positions, would leave `tensor` idle.
    space = space_of(program, mesh="fsdp=*,tensor=16", target=parse_target("tpu:v5e:4x4"))
    assert space.removed["a mesh axis that would cut nothing"] == 1
    assert all({"vocab", "mlp"} & set(one.cut) or one.cuts_positions for one in space.candidates)


def test_tables_survive_a_file(space, tmp_path):
    for one in space.candidates[::31]:
        table = space.table(one)
        path = tmp_path / "found.toml"
        path.write_text(dump_rules(table))
        again = read_rules(path)
        assert (again, again.mesh) == (table, table.mesh)


@pytest.mark.parametrize(
    ("preset", "mesh"),
    [
        ("dp", "data=8"),
        ("fsdp", "fsdp=8"),
        ("zero1", "data=8"),
        ("tp_sp", "data=4,tensor=2"),
        ("fsdp_tp", "fsdp=4,tensor=2"),
        ("fsdp_tp_sp", "fsdp=2,tensor=4"),
    ],
)
def test_presets_are_in_the_space(space, preset, mesh):
    wanted = signature_of(space, load_rules(preset), mesh)
    assert wanted in {signature_of(space, space.table(one)) for one in space.candidates}


def test_experts_get_an_axis(experts):
    space = space_of(experts, mesh="data=*,expert=*,tensor=*")
    sizes = {one.size("expert") for one in space.candidates}
    assert sizes == {1, 2, 4}  # there are four experts


def test_stages_divide_the_layers(program):
    space = space_of(program, fixed=())
    staged = [one for one in space.candidates if one.schedule]
    assert {one.size("stage") for one in staged} == {2}
    assert all(16 // one.size("data") // one.size("fsdp") % one.microbatches == 0 for one in staged)


def test_slices_are_crossed_by_an_axis_that_they_divide(program):
    target = parse_target("tpu:v5e:2x2", slices=2)
    space = space_of(program, target=target, mesh="data=*,fsdp=*,tensor=*")
    for one in space.candidates:
        mesh = target.fit(parse_mesh(space.table(one).mesh))
        assert dict(mesh.slices) == {one.crossing: 2}
        assert one.crossing != "tensor"


def test_constraints_are_kept(program):
    space = space_of(program, ("mlp=tensor", "seq=tensor", *PLAIN), ("embed=*",), "data=*,fsdp=*,tensor=1..2")
    assert len(space)
    for one in space.candidates:
        assert "mlp" in one.cut
        assert (one.cuts_positions, one.size("tensor"), one.size("fsdp")) == (True, 2, 1)
    assert sum(space.removed.values()) > 0


def test_nothing_left_says_why(program):
    with pytest.raises(AxisRulesError, match="AXR904") as caught:
        space_of(program, fixed=("mlp=tensor",), mesh="data=8")
    assert "ruled out by the constraints" in str(caught.value)


def test_a_batch_that_no_factor_divides(program):
    with pytest.raises(AxisRulesError, match="rows of the batch that the devices do not divide"):
        space_of(program, mesh="data=32", target=parse_target("tpu:v5e:4x8"))
