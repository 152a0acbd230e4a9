"""A step as flat, numbered arrays: held against JAX's own lowering, and against the step itself."""

import re

import jax
import numpy as np
import pytest

import axisrules
from axisrules.mesh import parse_mesh
from axisrules.partition import FlatStep, described_partitioner


def described(program, rules="fsdp", mesh="fsdp=8"):
    return FlatStep(described_partitioner(program, axisrules.load_rules(rules), parse_mesh(mesh)))


@pytest.mark.parametrize("api", ["linen", "nnx"])
def test_arguments_are_numbered_as_jax_lowers_them(read, api):
    flat = described(read(api))
    text = flat.jitted.trace(*flat.shapes).lower(lowering_platforms=("cpu",)).as_text()
    main = text[text.index("@main") :].partition("->")[0]
    lowered = re.findall(r"%arg\d+: tensor<(?:([\dx]*)x)?[a-z]+\d+>", main)
    physical = [
        (*s.shape, 2) if jax.dtypes.issubdtype(s.dtype, jax.dtypes.prng_key) else s.shape for s in flat.shapes
    ]
    assert lowered == ["x".join(map(str, shape)) for shape in physical]
    assert len(flat.arguments) == len(flat.shapes)


def test_arguments_are_the_plans_leaves(read):
    flat = described(read())
    plan = flat.partitioner.plan
    for (kind, path), shape in zip(flat.arguments, flat.shapes, strict=True):
        if kind != "state":
            assert plan.by_path[kind, path].leaf.shape == shape.shape
    kinds = [kind for kind, _ in flat.arguments]
    assert kinds.count("params") == 2
    assert kinds.count("optimizer") == 5
    assert [path for kind, path in flat.arguments if kind == "state"] == ["step", "key"]


def test_results_are_the_state_and_then_the_metrics(read):
    flat = described(read())
    assert flat.results[: flat.state_count] == flat.arguments[: flat.state_count]
    assert flat.results[flat.state_count :] == (("metrics", "loss"),)


def test_the_flat_step_computes_what_the_step_does(read, batch):
    partitioner = axisrules.make_partitioner(read(), "fsdp", "fsdp=8")
    state, placed = partitioner.init(jax.random.key(0)), partitioner.place(batch)
    wanted = jax.tree.leaves(partitioner.train_step(donate=False)(state, placed))
    found = jax.tree.leaves(FlatStep(partitioner).jitted(*jax.tree.leaves((state, placed))))
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        if not jax.dtypes.issubdtype(one.dtype, jax.dtypes.prng_key):
            np.testing.assert_array_equal(one, other)


def test_a_described_mesh_has_more_devices_than_there_are(read):
    flat = described(read(), "tp", "tensor=32")
    exported = jax.export.deserialize(bytearray(flat.export("cpu")))
    assert exported.nr_devices == 32
    assert len(exported.in_avals) == len(flat.arguments)


def test_constraints_carry_their_names_into_the_program(read):
    flat = described(read(), "fsdp_tp", "fsdp=4,tensor=2")
    text = flat.jitted.trace(*flat.shapes).lower(lowering_platforms=("cpu",)).as_text(debug_info=True)
    assert re.search(r"axr\(activation;batch,mlp;conftest\.py:\d+\)", text)
