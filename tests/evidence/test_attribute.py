"""Whose collective is it: held against what one knows of FSDP and of Megatron's tensor parallelism."""

import pytest

from axisrules.analysis import Collective, Ledger, Origins
from axisrules.evidence.attribute import Numbering, find_cause
from axisrules.mesh import parse_mesh
from axisrules.resolve import Leaf, make_plan
from axisrules.rules import load_rules

LAYOUTS = [
    ("fsdp", "fsdp=8", "tpu:v5e:2x4", "linen"),
    ("tp_sp", "tensor=8", "tpu:v5e:2x4", "linen"),
    ("fsdp_tp", "fsdp=2,tensor=4", "tpu:v5e:2x4", "nnx"),
    ("fsdp", "fsdp=8", "gpu:h100:1x8", "linen"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("rules", "mesh", "target", "api"), LAYOUTS)
def test_nearly_all_bytes_have_a_logical_axis_a_rule_and_a_line(evidence_of, rules, mesh, target, api):
    ledger = evidence_of(rules, mesh, target, api).ledger
    known = ledger.only(where=lambda one: bool(one.logical_axes and one.source))
    assert all(one.mesh_axes for one in ledger)
    assert known.total_bytes >= 0.95 * ledger.total_bytes
    assert ledger.only(where=lambda one: bool(one.rules)).total_bytes >= 0.95 * ledger.total_bytes


@pytest.mark.slow
def test_fsdp_gathers_for_embed_and_sums_gradients_for_batch(evidence_of):
    ledger = evidence_of("fsdp", "fsdp=8", "gpu:h100:1x8").ledger
    gathers = ledger.only(kind="all-gather")
    assert {axis for one in gathers for axis in one.logical_axes} == {"embed"}
    assert all(leaf.startswith("params:") for one in gathers for leaf in one.leaves)
    sums = ledger.only(kind="reduce-scatter", direction="backward")
    assert {one.logical_axes for one in sums} == {("batch",)}
    mine = sums.only(module_path="*/mlp", where=lambda one: "params:layers/mlp/up" in one.leaves)
    assert len(mine) == 1


@pytest.mark.slow
def test_sequence_parallelism_gathers_seq_and_scatters_what_the_product_summed(evidence_of):
    large = evidence_of("tp_sp", "tensor=8").ledger.only(where=lambda one: one.payload_bytes > 1 << 18)
    assert {one.logical_axes for one in large.only(kind="all-gather")} == {("seq",)}
    forward = large.only(kind="reduce-scatter", direction="forward", module_path="*/layers/*")
    assert {one.logical_axes for one in forward} == {("heads",), ("mlp",)}
    assert {one.leaves for one in forward} == {("params:layers/attention/out",), ("params:layers/mlp/down",)}


def collective(kind="all-gather", shape=(64, 16), op_name="", axis="tensor", **facts):
    from axisrules.analysis import AxisPart

    return Collective(
        kind=kind, instruction="one", computation="main", operand=0, operand_count=1, count=1,
        payload_bytes=1 << 20, wire_bytes=1 << 20, dtype="f32", shape=shape, group_size=4,
        axes=(AxisPart(axis, 4, 1, 4),), network="ici", direction="forward", module_path="",
        op_name=op_name, **facts,
    )  # fmt: skip


@pytest.fixture
def numbering():
    leaves = [
        Leaf("up", "params", (16, 64), "float32", 4, ("embed", "mlp")),
        Leaf("x", "batch", (8, 16), "float32", 4, ("batch", "embed")),
        Leaf("model.py:7", "activations", (8, 64), "float32", 4, ("batch", "mlp")),
        Leaf("model.py:9", "activations", (32, 16), "float32", 4, ("heads", "embed")),
    ]
    plan = make_plan(leaves, load_rules("tp"), parse_mesh("data=2,tensor=4"))
    return Numbering(
        plan, (("state", "step"), ("params", "up"), ("batch", "x")), (("state", "step"), ("params", "up"))
    )


def test_a_moved_parameter_names_its_own_axis(numbering):
    cause = find_cause(collective(), Origins(parameters=(1,)), numbering)
    assert cause.logical_axes == ("mlp",)
    assert cause.leaves == ("params:up",)
    assert "tp.toml" in cause.rules[0]


def test_the_step_count_is_no_array_of_the_plan(numbering):
    assert numbering.argument(0) is None
    assert numbering.argument(99) is None


def test_a_scope_names_the_activation(numbering):
    name = "jit(f)/jvp(Model)/axr(activation;heads,embed;model.py:9)/sharding_constraint"
    assert find_cause(collective(shape=(1, 1), op_name=name), Origins(), numbering).logical_axes == ("heads",)


def test_a_sum_is_explained_by_the_product_before_it(numbering):
    found = find_cause(collective("all-reduce"), Origins(product_parameters=(1,), results=(1,)), numbering)
    assert found.logical_axes == ("mlp",)


def test_shape_tells_which_activation_moves(numbering):
    whole_mlp, whole_heads = (4, 64), (32, 16)  # the batch is cut over data
    assert find_cause(collective(shape=whole_mlp), Origins(), numbering).logical_axes == ("mlp",)
    assert find_cause(collective(shape=whole_heads), Origins(), numbering).logical_axes == ("heads",)


def test_data_moved_in_no_arrays_shape_has_no_rule(numbering):
    found = find_cause(collective("all-to-all", shape=(3, 5)), Origins(), numbering)
    assert found.rules == ()
    assert set(found.logical_axes) == {"mlp", "heads"}


def test_a_mesh_axis_that_cuts_nothing_has_no_cause(numbering):
    assert find_cause(collective(axis="stage"), Origins(), numbering).logical_axes == ()


def test_a_gradient_is_named_beside_the_axis_that_its_sum_goes_over(numbering):
    found = find_cause(collective("all-reduce", (64,), axis="data"), Origins(results=(0, 1)), numbering)
    assert found.leaves[0] == "params:up"
    assert found.logical_axes == ("batch",)
    assert len(Ledger((collective(),))) == 1
