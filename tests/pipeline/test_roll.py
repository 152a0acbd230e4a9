"""Layers in a list as a loop: the same results, and what makes layers unlike each other."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import axisrules
from axisrules.adapters import reading
from axisrules.diagnostics import AxisRulesError
from axisrules.pipeline.inputs import read_inputs
from axisrules.pipeline.loss import cut_loss, scored
from axisrules.pipeline.roll import Rolled, Unlike, roll
from axisrules.pipeline.trace import trace
from tests.pipeline.conftest import EMBED, MLP, ListModel, NnxListModel
from tests.pipeline.test_objective import is_close

MODELS = {
    "linen": ListModel(),
    "linen, auxiliary loss": ListModel(aux=True),
    "linen, dropout": ListModel(dropout=0.3),
    "nnx": NnxListModel,
    "nnx, dropout": partial(NnxListModel, dropout=0.3),
}


def data(leaf):
    is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return jax.random.key_data(leaf) if is_key else leaf


@pytest.mark.parametrize("name", MODELS)
def test_a_list_of_layers_is_the_loop_over_them(read, batch, name):
    program = read(MODELS[name])
    with reading():
        rolled = roll(trace(partial(scored, program, []), *read_inputs(program).with_rows(8)))
    assert isinstance(rolled, Rolled), rolled
    assert rolled.row.count == 4
    with axisrules.use_plan(None):
        params, rest = jax.jit(program.init)(jax.random.key(0))
        arguments = (params, rest, jax.random.key(1), batch())
        wanted = jax.jit(partial(scored, program, []))(*arguments)
        found = jax.jit(rolled.function())(*jax.tree.leaves(arguments))
    for own, leaf in zip(found, wanted, strict=True):
        np.testing.assert_allclose(data(own), data(leaf), rtol=1e-5, atol=1e-6)


def test_the_loop_is_found_by_whoever_cuts_the_loss(read):
    program = read(ListModel(layers=5))
    cut, _ = cut_loss(program, read_inputs(program))
    assert cut.trace.loop.length == 5
    assert len(cut.stacked) == 2


def test_a_function_without_layers_has_none():
    assert roll(trace(lambda x: x + 1, jax.ShapeDtypeStruct((2,), "float32"))) is None


def test_layers_of_unlike_shapes_are_named(read):
    program = read(ListModel(widths=(1, 1, 2, 1)))
    with pytest.raises(AxisRulesError) as raised:
        cut_loss(program, read_inputs(program))
    (found,) = raised.value.diagnostics
    assert found.code == "AXR755"
    assert "layers_0` reads float32[8,8], float32[8] and" in found.why
    assert "layers_2` float32[16,8], float32[8]" in found.why


def test_a_rule_of_derivatives_that_each_layer_wraps_anew_is_the_same():
    def clipped(x):
        clip = jax.custom_jvp(lambda x: jnp.maximum(x, 0))
        clip.defjvp(lambda xs, dxs: (clip(*xs), dxs[0] * (xs[0] > 0)))
        return clip(x)

    def layers(x, w):
        for i in range(3):
            with jax.named_scope(f"layers_{i}"):
                x = clipped(x @ w[i])
        return x

    shapes = jax.ShapeDtypeStruct((2, 2), "float32"), [jax.ShapeDtypeStruct((2, 2), "float32")] * 3
    assert isinstance(roll(trace(layers, *shapes)), Rolled)


def test_a_gather_that_reads_nan_beyond_the_end_is_the_same():
    def layers(x, w):
        for i in range(3):
            with jax.named_scope(f"layers_{i}"):
                x = jnp.take(w[i], jnp.argmax(x, 1), axis=0, mode="fill", fill_value=jnp.nan)
        return x

    shapes = jax.ShapeDtypeStruct((2, 2), "float32"), [jax.ShapeDtypeStruct((2, 2), "float32")] * 3
    assert isinstance(roll(trace(layers, *shapes)), Rolled)


def test_a_layer_that_reads_two_layers_back_is_no_loop():
    def skips(x, w):
        outs = [x + 1, x + 2]
        for i in range(4):
            with jax.named_scope(f"layers_{i}"):
                outs.append(jnp.tanh(outs[-1] @ w[i] + outs[-2]))
        return outs[-1]

    shapes = jax.ShapeDtypeStruct((2, 2), "float32"), [jax.ShapeDtypeStruct((2, 2), "float32")] * 4
    found = roll(trace(skips, *shapes))
    assert isinstance(found, Unlike)
    assert "another layer than the one before" in found.why


@pytest.mark.slow
@pytest.mark.parametrize("name", ["linen, auxiliary loss", "nnx"])
def test_a_list_of_layers_is_pipelined(read, compare, name):
    assert is_close(compare(read(MODELS[name]), schedule="1f1b", microbatches=4))


@pytest.mark.slow
def test_a_list_is_split_unevenly_under_tensor_parallelism(read, compare):
    mesh = "stage=2,data=2,tensor=2"
    assert is_close(compare(read(ListModel(layers=5)), mesh, schedule="1f1b", microbatches=2, split=[3, 2]))


@pytest.mark.slow
def test_weights_of_a_list_can_wait_cut_over_the_stage_axis(read, compare, partition):
    """Nothing is whole: not what is stored, and not on its way into the pipeline."""
    program, pipeline = read(ListModel(layers=4)), {"schedule": "1f1b", "microbatches": 2}
    pipeline["kind"] = {"params": {"mlp": "stage"}}
    found = compare(program, "stage=2,data=2", **pipeline)
    assert is_close(found)
    up = partition(program, **pipeline).init(jax.random.key(0)).params["layers_0"]["up"]
    assert up.addressable_shards[0].data.shape == (EMBED, MLP // 2)
    assert f"f32[4,{EMBED},{MLP}]" not in found.text
    assert "all-to-all" in found.text
