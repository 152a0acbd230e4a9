"""Parts timed one by one, against the whole and against what counting FLOPs says."""

import jax
import jax.numpy as jnp
import optax
import pytest

import axisrules
from axisrules.models import DecoderConfig, linen_decoder, next_token_loss, nnx_decoder
from axisrules.pipeline import Weights, batch_rows, measure_program, model_costs, weigh_program

CONFIG = DecoderConfig(vocab=512, embed=64, heads=2, kv_heads=2, head_dim=32, mlp=256, layers=4)
TOKENS = {"inputs": "batch seq", "targets": "batch seq"}


def program_of(build):
    batch = dict.fromkeys(TOKENS, jax.ShapeDtypeStruct((8, 32), jnp.int32))
    model = build(CONFIG, axisrules.constrain)
    return axisrules.read_program(
        model, next_token_loss, batch, optimizer=optax.adamw(1e-3), batch_axes=TOKENS
    )


@pytest.mark.slow
@pytest.mark.parametrize("build", [linen_decoder, nnx_decoder])
def test_every_part_takes_time_and_gradients_take_more(build):
    found = measure_program(program_of(build), rows=4, tries=3)
    assert (found.layers, found.rows, found.unit) == (4, 4, "seconds")
    assert min(found.front.forward, found.layer.forward, found.head.forward) > 0
    assert found.layer.whole > found.layer.forward * 1.5


def test_a_layer_is_the_unit_of_a_model():
    model = model_costs(weigh_program(program_of(linen_decoder)))
    assert model.layer.whole == 1
    assert model.parts().layers == (1,) * 4
    assert batch_rows(program_of(linen_decoder)) == 8


def test_a_stage_costs_its_deepest_and_what_comes_first():
    model = model_costs(Weights(front=2.0, layer=4.0, head=8.0, layers=6))
    costs = model.of_stages((2, 1, 2, 1), stages=2)
    assert costs.forward == 2 * (2 * 0.25 + 0.125), "two stages of two layers on a device"
    assert costs.backward == 2 * 2 * 0.5
    assert costs.head == 1.5
    assert costs.imbalance == pytest.approx((2 + 0.25 + 0.75) / (1.5 + 0.25 + 0.75) - 1)


def test_what_is_kept_is_not_computed_again():
    model = model_costs(Weights(front=2.0, layer=4.0, head=8.0, layers=6))
    kept = model.keeping_all()
    assert kept.layer.whole == model.layer.whole - model.layer.forward
    assert (kept.front, kept.head) == (model.front, model.head)
