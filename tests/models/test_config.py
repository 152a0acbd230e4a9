import math

import jax
import jax.numpy as jnp
import pytest

from axisrules.models import DECODER_SIZES, DecoderConfig, linen_decoder


@pytest.mark.parametrize(
    "sizes",
    [
        {"heads": 6, "kv_heads": 4},
        {"head_dim": 15},
        {"experts": 2, "experts_per_token": 3},
        {"experts": 2, "experts_per_token": 0},
    ],
)
def test_sizes_that_make_no_decoder_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="=".join(map(str, next(iter(sizes.items()))))):
        DecoderConfig(**sizes)


def test_capacity_is_an_even_share_with_some_room() -> None:
    config = DecoderConfig(experts=4, experts_per_token=2, capacity_factor=1.25)
    assert config.capacity(64) == 40  # 64 tokens x 2 choices / 4 experts x 1.25
    assert config.capacity(1) == 1
    assert DecoderConfig(experts=2, experts_per_token=2, capacity_factor=4.0).capacity(8) == 8


@pytest.mark.parametrize(("size", "billions"), [("4M", 0.0041), ("1B", 1.5), ("7B", 6.74), ("70B", 68.98)])
def test_sizes_have_the_parameters_that_their_names_say(size: str, billions: float) -> None:
    tokens = jax.ShapeDtypeStruct((1, 8), jnp.int32)
    shapes = jax.eval_shape(linen_decoder(DECODER_SIZES[size]).init, jax.random.key(0), tokens)
    count = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes))
    assert count / 1e9 == pytest.approx(billions, rel=0.01)
