"""States, steps and swaps; the shardings that JAX reports and single-device runs are the referees."""

import re
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import NamedSharding, PartitionSpec

import axisrules
from axisrules.adapters import path_of
from axisrules.diagnostics import AxisRulesError
from axisrules.mesh import parse_mesh

LAYOUTS = [
    ("dp", "data=8"),
    ("dp", "data=4"),
    ("fsdp", "fsdp=8"),
    ("fsdp", "data=2,fsdp=4"),
    ("zero1", "data=8"),
    ("zero2", "data=8"),
    ("tp", "tensor=8"),
    ("tp", "data=2,tensor=4"),
    ("fsdp_tp", "fsdp=2,tensor=4"),
    ("fsdp_tp", "fsdp=4,tensor=2"),
]
IDS = [f"{rules}-{mesh}" for rules, mesh in LAYOUTS]


def devices_for(mesh):
    return jax.devices()[: parse_mesh(mesh).device_count]


def arrays(tree):
    return {path_of(keys): leaf for keys, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]}


@pytest.fixture(scope="module", params=["linen", pytest.param("nnx", marks=pytest.mark.slow)])
def program(request, read):
    return read(request.param)


@dataclass(frozen=True)
class SingleDevice:
    """The referee: an unsharded init and the same training on one device."""

    born: dict
    losses: list
    trained: dict


@pytest.fixture(scope="module")
def single(program, on_one_device):
    with axisrules.use_plan(None):
        born, _ = jax.jit(program.init)(jax.random.key(0))
    losses, state = on_one_device(program)
    return SingleDevice(arrays(born), losses, arrays(state.params))


@pytest.fixture(scope="module")
def trained(program, train):
    """A state after a step, under data parallelism."""
    return train(axisrules.make_partitioner(program, "dp", "data=8"), steps=1)[1]


@pytest.mark.parametrize(("rules", "mesh"), LAYOUTS, ids=IDS)
def test_every_layout_is_born_as_planned_and_trains_like_one_device(program, single, train, rules, mesh):
    start = axisrules.make_partitioner(program, rules, axisrules.make_mesh(mesh, devices_for(mesh)))
    state = start.init(jax.random.key(0))
    for path, array in arrays(state.params).items():
        assert np.array_equal(array, single.born[path])
        planned = start.plan.by_path["params", path]
        assert array.sharding.shard_shape(array.shape) == planned.local_shape
        assert array.addressable_shards[0].data.nbytes == planned.bytes_per_device
    losses, state = train(start, state)
    np.testing.assert_allclose(losses, single.losses, rtol=1e-5)
    for path, array in arrays(state.params).items():
        np.testing.assert_allclose(array, single.trained[path], rtol=1e-4, atol=1e-5)


def test_no_buffer_of_a_sharded_init_holds_a_whole_parameter(program):
    partitioner = axisrules.make_partitioner(program, "fsdp", "fsdp=8")
    lowered = partitioner.jit(program.init, out_shardings=(partitioner.state_shardings.params, None)).lower(
        jax.random.key(0)
    )
    sizes = [
        int(np.prod([int(n) for n in dims.split(",")]))
        for dims in re.findall(r"\bf32\[([\d,]+)\]", lowered.compile().as_text())
    ]
    largest = max(int(np.prod(shape.shape)) for shape in jax.tree.leaves(program.params))
    assert max(sizes) <= largest // 8


@pytest.mark.parametrize("axis_type", ["auto", "explicit"])
def test_explicit_meshes_train_alike(program, single, train, axis_type):
    mesh = axisrules.make_mesh(parse_mesh("fsdp=2,tensor=4", axis_type=axis_type))
    losses, state = train(axisrules.make_partitioner(program, "fsdp_tp", mesh))
    np.testing.assert_allclose(losses, single.losses, rtol=1e-5)
    assert state.params["layers"]["up"].sharding.spec == PartitionSpec(None, "fsdp", "tensor")


def test_zero1_cuts_the_moments_and_not_the_parameters(program, train):
    _, state = train(axisrules.make_partitioner(program, "zero1", "data=8"), steps=1)
    adam = state.opt_state[0]
    assert state.params["layers"]["up"].sharding.is_fully_replicated
    assert adam.mu["layers"]["up"].addressable_shards[0].data.size == state.params["layers"]["up"].size // 8


def test_zero2_pins_the_gradients(program, batch):
    """The gradient's own layout is not visible from outside: the traced step must constrain it."""
    pinned = {}
    for rules in ("zero1", "zero2"):
        partitioner = axisrules.make_partitioner(program, rules, "data=8")
        state = partitioner.init(jax.random.key(0))
        text = partitioner.train_step().lower(state, batch).as_text()
        pinned[rules] = len(re.findall(r"sharding_constraint.*3x\d+x\d+xf32", text))
    assert pinned["zero2"] == pinned["zero1"] + 2  # `up` and `down`


OPTIMIZERS = {
    "adafactor": optax.adafactor(1e-2, min_dim_size_to_factor=8),
    "sm3": optax.sm3(1e-2),
    "lbfgs": optax.lbfgs(memory_size=2),
    "muon": optax.contrib.muon(1e-2),
    "multi_steps": optax.MultiSteps(optax.adam(1e-2), 2).gradient_transformation(),
    "inject_hyperparams": optax.inject_hyperparams(optax.adam)(learning_rate=1e-2),
    "schedule_free": optax.contrib.schedule_free_adamw(1e-2),
    "masked": optax.masked(optax.adam(1e-2), {"layers": {"up": True, "down": False}}),
    "multi_transform": optax.multi_transform(
        {"a": optax.adam(1e-2), "b": optax.sgd(1e-2, momentum=0.9)}, {"layers": {"up": "a", "down": "b"}}
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_trains_sharded_like_one_device(read, train, on_one_device, name):
    program = read("linen", OPTIMIZERS[name])
    one, _ = on_one_device(program, steps=4)
    losses, state = train(axisrules.make_partitioner(program, "fsdp", "fsdp=8"), steps=4)
    np.testing.assert_allclose(losses, one, rtol=2e-5)
    embed = program.params["layers"]["up"].shape[1]
    cut = [array for array in jax.tree.leaves(state.opt_state) if embed in array.shape]
    assert cut
    assert not any(array.sharding.is_fully_replicated for array in cut)


def test_swapping_tables_never_meets_a_stale_trace(read, batch):
    """A helper that is jitted on its own is traced once per plan, and each trace has its own layout."""
    traces = []

    @jax.jit
    def widen(x):
        traces.append(None)
        return axisrules.constrain(x * 2.0, "batch embed")

    program = read("linen", loss=lambda model, batch: jnp.mean(widen(model(batch["x"]))))
    traces.clear()
    layouts = [("fsdp", "fsdp=8"), ("dp", "data=8"), ("fsdp", "fsdp=8")]
    specs = []
    for rules, mesh in layouts:
        partitioner = axisrules.make_partitioner(program, rules, mesh)
        specs.append(partitioner.jit(widen)(batch["x"]).sharding.spec[0])
    assert specs == ["fsdp", "data", "fsdp"]
    assert len(traces) == 2


@pytest.mark.parametrize("axis_type", ["auto", "explicit"])
def test_one_context_reads_two_plans(program, batch, axis_type):
    first = axisrules.make_partitioner(program, "fsdp", parse_mesh("fsdp=8", axis_type=axis_type))
    second = axisrules.make_partitioner(program, "dp", parse_mesh("data=8", axis_type=axis_type))
    function = jax.jit(lambda x: axisrules.constrain(x, "batch embed"))
    for partitioner, mesh_axis in [(first, "fsdp"), (second, "data"), (first, "fsdp")]:
        with axisrules.use_plan(partitioner):
            assert function(batch["x"]).sharding.spec[0] == mesh_axis


def test_moving_a_state_keeps_its_values(program, trained):
    target = axisrules.make_partitioner(program, "fsdp_tp", "fsdp=2,tensor=4")
    moved = target.move(trained)
    for path, array in arrays(moved.params).items():
        assert np.array_equal(array, arrays(trained.params)[path])
        assert array.sharding == arrays(target.state_shardings.params)[path]
    assert int(moved.step) == 1


def test_moving_another_programs_state_is_refused(read, trained):
    other = axisrules.make_partitioner(read("linen", optax.sgd(1e-2)), "dp", "data=8")
    with pytest.raises(AxisRulesError) as caught:
        other.move(trained)
    assert [d.code for d in caught.value.diagnostics] == ["AXR504"]


def test_the_old_state_is_donated_only_when_asked(program, batch):
    partitioner = axisrules.make_partitioner(program, "fsdp", "fsdp=8")
    for donate in (False, True):
        state = partitioner.init(jax.random.key(0))
        partitioner.train_step(donate=donate)(state, partitioner.place(batch))
        assert state.params["layers"]["up"].is_deleted() == donate


def test_eval_leaves_the_state_and_takes_any_function(program, batch):
    partitioner = axisrules.make_partitioner(program, "fsdp", "fsdp=8")
    state = partitioner.init(jax.random.key(0))
    placed = partitioner.place(batch)
    outputs = partitioner.eval_step(lambda model, batch: model(batch["x"]))(state, placed)
    expected = jnp.mean((outputs - batch["y"]) ** 2)
    np.testing.assert_allclose(partitioner.eval_step()(state, placed)["loss"], expected, rtol=1e-6)


def test_dropout_draws_another_mask_each_step(read, train):
    program = read("linen", optax.sgd(0.0), dropout=0.5)
    losses, _ = train(axisrules.make_partitioner(program, "dp", "data=8"))
    again, _ = train(axisrules.make_partitioner(program, "fsdp", "fsdp=8"))
    assert len(set(losses)) == 3
    np.testing.assert_allclose(losses, again, rtol=1e-6)


def test_training_without_an_optimizer_says_so(read):
    partitioner = axisrules.make_partitioner(read("linen", optimizer=None), "dp", "data=8")
    with pytest.raises(AxisRulesError) as caught:
        partitioner.train_step()
    assert [d.code for d in caught.value.diagnostics] == ["AXR506"]


@pytest.mark.parametrize(
    "change",
    [
        lambda batch: {"x": batch["x"]},
        lambda batch: {**batch, "y": batch["y"][:4]},
        lambda batch: {**batch, "y": batch["y"].astype("int32")},
        lambda batch: [batch["x"], batch["y"]],
    ],
)
def test_a_batch_unlike_the_programs_is_refused(program, batch, change):
    partitioner = axisrules.make_partitioner(program, "dp", "data=8")
    with pytest.raises(AxisRulesError) as caught:
        partitioner.place(change(batch))
    assert {d.code for d in caught.value.diagnostics} == {"AXR502"}


def test_a_batch_is_cut_as_planned(program, batch):
    partitioner = axisrules.make_partitioner(program, "dp", "data=8")
    placed = partitioner.place(batch)
    assert placed["x"].sharding == NamedSharding(partitioner.mesh, PartitionSpec("data", None))
    assert np.array_equal(placed["x"], batch["x"])
