"""The array functions, each against the plainest way to compute the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from axisrules.models import DecoderConfig, unconstrained
from axisrules.models.layers import causal_attention, embed_tokens, mix_experts, rms_norm, rotate, route


def normal(seed: int, *shape: int) -> jax.Array:
    return jax.random.normal(jax.random.key(seed), shape)


def test_embedding_is_a_lookup() -> None:
    table, tokens = normal(0, 11, 4), jnp.array([[3, 0, 10], [7, 7, 1]])
    np.testing.assert_array_equal(embed_tokens(tokens, table, "float32"), table[tokens])


def test_rms_norm_has_mean_square_one() -> None:
    x = 7.0 * normal(0, 2, 3, 64)
    assert_allclose(jnp.mean(rms_norm(x, jnp.ones(64), 0.0) ** 2, axis=-1), 1.0, rtol=1e-5)
    assert rms_norm(x.astype("bfloat16"), jnp.ones(64), 0.0).dtype == jnp.bfloat16


def test_rotary_scores_depend_on_distance_alone() -> None:
    query, key = jnp.tile(normal(0, 1, 1, 1, 8), (1, 6, 1, 1)), jnp.tile(normal(1, 1, 1, 1, 8), (1, 6, 1, 1))
    scores = jnp.einsum("bshd,bthd->st", rotate(query, 100.0), rotate(key, 100.0))
    for distance in range(-5, 6):
        assert_allclose(jnp.diag(scores, distance), scores.diagonal(distance)[0], rtol=1e-5)
    assert_allclose(jnp.linalg.norm(rotate(query, 100.0)), jnp.linalg.norm(query), rtol=1e-6)


def test_grouped_attention_is_attention_with_repeated_heads() -> None:
    query, key, value = normal(0, 2, 5, 6, 8), normal(1, 2, 5, 3, 8), normal(2, 2, 5, 3, 8)
    repeated = (jnp.repeat(key, 2, axis=2), jnp.repeat(value, 2, axis=2))
    expected = jax.nn.dot_product_attention(query, *repeated, is_causal=True)
    assert_allclose(causal_attention(query, key, value), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("capacity", [1, 2, 3, 8])
def test_routing_is_a_queue_per_expert(capacity: int) -> None:
    logits, per_token = normal(0, 2, 8, 4), 2
    dispatch, combine = route(logits, per_token, capacity)
    gates, choice = jax.lax.top_k(jax.nn.softmax(logits), per_token)
    expected = np.zeros(dispatch.shape)
    for row in range(2):
        taken = np.zeros(4, int)
        for token in range(8):
            for turn in range(per_token):
                expert = int(choice[row, token, turn])
                if taken[expert] < capacity:
                    expected[row, token, expert, taken[expert]] = (
                        gates[row, token, turn] / gates[row, token].sum()
                    )
                taken[expert] += 1
    assert_allclose(combine, expected, rtol=1e-6)
    np.testing.assert_array_equal(dispatch, expected > 0)


def test_experts_with_room_for_all_are_a_weighted_sum() -> None:
    config = DecoderConfig(embed=6, mlp=10, experts=3, experts_per_token=2, capacity_factor=3.0)
    x, router = normal(0, 2, 5, 6), normal(1, 6, 3)
    gate, up, down = normal(2, 3, 6, 10), normal(3, 3, 6, 10), normal(4, 3, 10, 6)
    gates, choice = jax.lax.top_k(jax.nn.softmax(x @ router), 2)
    every = jnp.einsum(
        "xbsm,xme->bsxe",
        jax.nn.silu(jnp.einsum("bse,xem->xbsm", x, gate)) * jnp.einsum("bse,xem->xbsm", x, up),
        down,
    )
    picked = jnp.take_along_axis(every, choice[..., None], axis=2)
    expected = jnp.sum(picked * (gates / gates.sum(-1, keepdims=True))[..., None], axis=2)
    assert_allclose(
        mix_experts(x, router, (gate, up, down), config, unconstrained), expected, rtol=1e-4, atol=1e-4
    )
