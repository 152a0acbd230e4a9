"""Steps of tables with a schedule, through the partitioner: trained, exported, accumulated, composed."""

import re
from dataclasses import replace

import jax
import numpy as np
import optax
import pytest

import axisrules
from axisrules.mesh import parse_mesh
from axisrules.models import DecoderConfig, linen_decoder, next_token_loss, text_batches
from axisrules.partition import FlatStep, described_partitioner
from axisrules.rules import parse_rules

CONFIG = DecoderConfig(vocab=256, embed=16, heads=2, kv_heads=2, head_dim=8, mlp=32, layers=4)
BATCH = next(text_batches(16, 4, 1))


@pytest.fixture(scope="module")
def decoder():
    """The program of a tiny decoder."""
    model = linen_decoder(CONFIG, axisrules.constrain)
    axes = dict.fromkeys(BATCH, "batch seq")
    return axisrules.read_program(model, next_token_loss, BATCH, optimizer=optax.adam(1e-2), batch_axes=axes)


def train(partitioner, steps=2):
    state, step = partitioner.init(jax.random.key(0)), partitioner.train_step()
    losses = []
    for _ in range(steps):
        state, metrics = step(state, partitioner.place(BATCH))
        losses.append(float(metrics["loss"]))
    return losses, state


@pytest.fixture(scope="module")
def expected(decoder):
    """Losses on one device."""
    return train(axisrules.make_partitioner(decoder, "dp", "data=1", devices=jax.devices()[:1]))[0]


CASES = {
    "pipeline": ("pipeline", "data=2,stage=4", "auto", {}),
    "explicit": ("pipeline", "data=2,stage=4", "explicit", {}),
    "3d": ("3d", "data=2,tensor=2,stage=2", "auto", {"schedule": "interleaved", "repeats": 2}),
    "3d_sp, explicit": ("3d_sp", "data=2,tensor=2,stage=2", "explicit", {}),
    "all kept": ("pipeline", "data=2,stage=4", "auto", {"remat": "none"}),
    "attention recomputed": (
        "3d_sp",
        "data=2,tensor=2,stage=2",
        "explicit",
        {"remat": "attention", "microbatches": 2},
    ),
    "offloaded": (
        "3d_sp",
        "data=2,tensor=2,stage=2",
        "explicit",
        {"remat": {"recompute": "full", "offload": "batch seq mlp"}},
    ),
    "accumulated": ("pipeline", "data=2,stage=4", "auto", {"accumulate": 2, "microbatches": 2}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_table_with_a_schedule_trains_like_one_device(decoder, expected, name):
    rules, mesh, axis_type, training = CASES[name]
    spec = parse_mesh(mesh, axis_type=axis_type)
    losses, state = train(axisrules.make_partitioner(decoder, rules, axisrules.make_mesh(spec), **training))
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    up = state.params["layers"]["mlp"]["up"]
    assert up.addressable_shards[0].data.shape[0] == CONFIG.layers // spec.shape["stage"]
    assert state.opt_state[0].mu["layers"]["mlp"]["up"].sharding.spec == up.sharding.spec


@pytest.mark.slow
def test_weights_of_an_uneven_split_can_wait_cut_by_another_dim():
    model = linen_decoder(replace(CONFIG, layers=3), axisrules.constrain)
    axes = dict.fromkeys(BATCH, "batch seq")
    program = axisrules.read_program(
        model, next_token_loss, BATCH, optimizer=optax.adam(1e-2), batch_axes=axes
    )
    waiting = {"layers": [], "mlp": "stage", "heads": "stage", "kv_heads": "stage"}
    cut = parse_rules({"kind": {"params": waiting, "optimizer": waiting}})
    uneven = parse_rules({"rules": {"layers": {"mesh": "stage", "uneven": "replicate"}}})
    table = axisrules.load_rules("pipeline") | uneven | cut
    losses, state = train(axisrules.make_partitioner(program, table, "data=4,stage=2", split=[2, 1]))
    alone = axisrules.make_partitioner(program, "dp", "data=1", devices=jax.devices()[:1])
    np.testing.assert_allclose(losses, train(alone)[0], rtol=1e-5)
    for tree in (state.params, state.opt_state[0].mu):
        up = tree["layers"]["mlp"]["up"]
        assert up.addressable_shards[0].data.nbytes == up.nbytes / 2


def test_what_is_offloaded_waits_in_host_memory(decoder):
    def host_shapes(word):
        policy = {"recompute": "full", word: "batch seq mlp"}
        partitioner = axisrules.make_partitioner(decoder, "pipeline", "data=2,stage=4", remat=policy)
        step = jax.make_jaxpr(partitioner.train_step())(partitioner.abstract_state, decoder.batch)
        return set(re.findall(r"<host>\[([\d,]+)\]", str(step)))

    assert host_shapes("save") == set()
    # A microbatch's, and as many places for one as the schedule needs: of a layer, one row, the axis `mlp`.
    assert {shape.rpartition(",")[2] for shape in host_shapes("offload")} == {str(CONFIG.mlp)}


def test_a_remat_policy_that_a_pipeline_cannot_follow_is_refused(decoder):
    policy = {"recompute": "full", "save": "batch seq mlp", "every": 2}
    partitioner = axisrules.make_partitioner(decoder, "pipeline", "data=2,stage=4", remat=policy)
    with pytest.raises(axisrules.AxisRulesError) as raised:
        partitioner.train_step()
    assert [found.code for found in raised.value.diagnostics] == ["AXR776"]


def test_a_pipelined_step_is_exported_for_devices_that_are_not_here(decoder):
    table = axisrules.load_rules("3d")
    flat = FlatStep(described_partitioner(decoder, table, parse_mesh("data=4,stage=2,tensor=2")))
    exported = jax.export.deserialize(bytearray(flat.export("tpu")))
    assert exported.nr_devices == 16
    assert len(exported.in_avals) == len(flat.arguments)
    assert flat.results[flat.state_count :] == (("metrics", "loss"),)


@pytest.mark.slow
def test_evaluation_goes_through_the_pipeline(decoder):
    partitioner = axisrules.make_partitioner(decoder, "pipeline", "data=2,stage=4")
    one = axisrules.make_partitioner(decoder, "dp", "data=1", devices=jax.devices()[:1])
    state = partitioner.init(jax.random.key(0))
    lowered = partitioner.eval_step().lower(state, partitioner.place(BATCH)).compile()
    found = lowered(state, partitioner.place(BATCH))["loss"]
    wanted = one.eval_step()(one.init(jax.random.key(0)), one.place(BATCH))["loss"]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert "collective-permute" in lowered.as_text()
    assert "all-gather" not in lowered.as_text()
