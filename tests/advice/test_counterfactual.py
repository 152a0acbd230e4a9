"""Changes are what their lines say, on the same devices: for every table, mesh and target that is tried."""

import pytest

from axisrules.advice import CHECKS
from axisrules.advice.counterfactual import Change, cut_as_before, given_away, uncut, widest_axis
from axisrules.mesh import parse_mesh
from axisrules.resolve import make_plan
from axisrules.rules import parse_rules, parse_toml

CASES = [
    ("dp", "data=4", "tpu:v5e:2x2", 1, {}),
    ("fsdp", "fsdp=8", "tpu:v5e:2x2", 2, {}),
    ("zero1", "data=4", "tpu:v5e:2x2", 1, {"remat": "full"}),
    ("tp", "tensor=16", "tpu:v5e:4x4", 1, {}),
    ("tp", "tensor=8,data=1", "gpu:h100:2x4", 1, {"accumulate": 4}),
    ("fsdp_tp", "fsdp=2,tensor=4", "gpu:h100:1x8", 1, {"remat": "attention"}),
    ("fsdp_tp_sp", "tensor=4,fsdp=2", "gpu:h100:2x4", 1, {}),
    ("t5x_1_2", "data=2,model=4", "gpu:h100:1x8", 1, {}),
    ("pipeline", "data=1,stage=4", "tpu:v5e:2x2", 1, {"split": [1, 1, 1, 1]}),
    ("3d", "data=2,tensor=2,stage=2,slices:tensor=2", "tpu:v5e:2x2", 2, {}),
    ("dp", "data=2,spare=2", "tpu:v5e:2x2", 1, {}),
]


def proposals(case_of, rules, mesh, target, slices, training, fits):
    crossing = [axis for axis in parse_mesh(mesh).shape if axis in ("tensor", "fsdp")] if slices > 1 else []
    evidence = {} if fits else {"needed_bytes": 16 << 30}
    case = case_of(rules, mesh, target, slices=slices, crossing=crossing, training=training, **evidence)
    return case, [found for check in CHECKS if (found := check.ask(case))]


@pytest.mark.parametrize("fits", [True, False], ids=["fits", "too large"])
@pytest.mark.parametrize(("rules", "mesh", "target", "slices", "training"), CASES)
def test_every_change_is_its_lines_on_top_and_has_the_same_devices(
    case_of, rules, mesh, target, slices, training, fits
):
    case, found = proposals(case_of, rules, mesh, target, slices, training, fits)
    assert found or (rules, training) == ("dp", {})
    for one in (change for proposal in found for change in proposal.changes):
        spec = case.target.fit(parse_mesh(one.table.mesh))
        assert spec.device_count == case.mesh.device_count
        assert make_plan(case.program.leaves, one.table, spec).leaves
        toml = [line for line in one.lines if not line.startswith("and no ")]
        on_top, _ = parse_toml("\n".join(toml), file="lines")
        filler = {} if "rules" in on_top or "kind" in on_top else {"rules": {"unheard": []}}
        composed = case.table | parse_rules(on_top | filler)
        keys = {rule.key for rule in parse_rules(filler).rules} if filler else set()
        assert [rule for rule in composed.rules if rule.key not in keys] == list(one.table.rules)
        assert composed.mesh == one.table.mesh
        assert (composed.remat, composed.accumulate) == (one.table.remat, one.table.accumulate)
        if len(toml) == len(one.lines):
            assert composed.pipeline == one.table.pipeline


@pytest.mark.parametrize("rules", ["fsdp", "zero2", "zero3", "fsdp_tp", "t5x_2_2"])
def test_whole_parameters_are_whole_and_activations_are_as_they_were(case_of, rules):
    mesh = {"fsdp": "fsdp=4", "fsdp_tp": "fsdp=2,tensor=2", "t5x_2_2": "data=2,model=2"}.get(rules, "data=4")
    case = case_of(rules, mesh)
    axes = set(case.roles.state)
    kinds = ["params", "gradients", "optimizer"]
    table = case.table | type(case.table)(layers=(uncut(case, kinds, case.roles.state),))
    before = {(leaf.leaf.kind, leaf.path): leaf.spec for leaf in case.plan.leaves}
    for leaf in make_plan(case.program.leaves, table, case.mesh).leaves:
        cut = {axis for mesh_axes in leaf.spec for axis in mesh_axes}
        if leaf.leaf.kind in kinds:
            assert not cut & axes
        else:
            assert leaf.spec == before[leaf.leaf.kind, leaf.path]


def test_the_optimizers_state_stays_cut_as_before(case_of):
    case = case_of("fsdp", "fsdp=4")
    layer = (*uncut(case, ["params", "gradients"], ["fsdp"]), *cut_as_before(case, "optimizer", ["fsdp"]))
    plan = make_plan(case.program.leaves, case.table | type(case.table)(layers=(layer,)), case.mesh)
    assert plan.bytes_per_device("optimizer") == case.plan.bytes_per_device("optimizer")
    assert plan.bytes_per_device("params") == 4 * case.plan.bytes_per_device("params")


def test_devices_move_from_axis_to_axis_and_slices_go_to_the_one_that_gains(case_of):
    case = case_of("tp", "tensor=8", slices=2)
    mesh = given_away(case, {"tensor": 2}, "data")
    assert str(mesh) == "data=4,tensor=2,slices:data=2"
    assert str(given_away(case, {"tensor": 8}, "data")) == "data=1,tensor=8"


def test_the_widest_axis_divides_every_array_that_has_it(case_of):
    assert widest_axis(case_of("dp", "data=4"), 4) == "embed"
    assert widest_axis(case_of("dp", "data=4"), 7) is None


def test_lines_read_as_one(case_of):
    lines = ('mesh = "data=4"', "[kind.params]", "embed = []", "mlp = []")
    made = Change("words", lines, case_of("dp", "data=4").table)
    assert made.line == 'mesh = "data=4"; [kind.params] embed = []; mlp = []'
