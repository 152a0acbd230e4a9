"""The batch's rows and the mesh axes that cut them alone; and that remat comes from the table."""

import jax
import pytest

import axisrules
from axisrules.partition.gradient import batch_cut


@pytest.mark.parametrize(
    ("rules", "mesh", "mesh_axes"),
    [
        ("dp", "data=8", ("data",)),
        ("zero1", "data=8", ("data",)),
        ("fsdp", "fsdp=8", ()),
        ("fsdp", "data=2,fsdp=4", ("data",)),
        ("tp", "data=2,tensor=4", ("data",)),
    ],
)
def test_gradients_are_summed_up_where_no_parameter_is_cut(read, rules, mesh, mesh_axes):
    partitioner = axisrules.make_partitioner(read("linen"), rules, mesh)
    cut = batch_cut(partitioner.program, partitioner.plan)
    assert cut.mesh_axes == mesh_axes
    assert cut.row_dims == (0, 0)
    assert cut.devices == (partitioner.plan.mesh.shape["data"] if mesh_axes else 1)


def test_the_table_says_what_is_recomputed_and_arguments_go_first(read, batch):
    program = read("nnx")

    def checkpoints(rules, **training):
        partitioner = axisrules.make_partitioner(program, rules, "data=8", **training)
        lowered = partitioner.train_step().trace(partitioner.abstract_state, batch)
        return str(lowered.jaxpr).count("remat")

    table = axisrules.load_rules("dp") | axisrules.parse_rules({"rules": {"x": []}, "remat": "full"})
    assert checkpoints("dp") == 0
    assert checkpoints(table) > 0
    assert checkpoints(table, remat="none") == 0
    assert checkpoints("dp", remat="full") == checkpoints(table)


@pytest.mark.parametrize("axis_type", ["auto", "explicit"])
def test_steps_train_alike(read, train, axis_type):
    program = read("linen")
    mesh = axisrules.make_mesh(axisrules.mesh.parse_mesh("data=4,fsdp=2", axis_type=axis_type))
    plain, _ = train(axisrules.make_partitioner(program, "fsdp", mesh))
    same, _ = train(axisrules.make_partitioner(program, "fsdp", mesh, remat="full", accumulate=1))
    assert plain == pytest.approx(same, rel=1e-6)
    explicit = axisrules.make_partitioner(
        program,
        "dp",
        axisrules.make_mesh(axisrules.mesh.parse_mesh("data=4", axis_type=axis_type), jax.devices()[:4]),
        accumulate=2,
    )
    assert train(explicit)[0] == pytest.approx(plain, rel=1e-5)
