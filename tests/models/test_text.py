import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_allclose

from axisrules.models import next_token_loss, text_batches
from axisrules.models.text import text_tokens


def test_the_text_is_half_a_megabyte_of_english() -> None:
    tokens = text_tokens()
    assert 400_000 < tokens.size < 1_500_000
    assert bytes(tokens).count(b" the ") > 1_000


def test_a_target_is_the_next_byte_of_the_text() -> None:
    for batch in text_batches(batch=3, seq=32, steps=2):
        assert {name: (array.shape, array.dtype) for name, array in batch.items()} == dict.fromkeys(
            ("inputs", "targets"), ((3, 32), np.dtype("int32"))
        )
        for inputs, targets in zip(batch["inputs"], batch["targets"], strict=True):
            stretch = bytes([*inputs, targets[-1]])
            assert stretch in bytes(text_tokens())
            np.testing.assert_array_equal(inputs[1:], targets[:-1])


def test_batches_are_the_same_for_the_same_seed() -> None:
    first, again, other = ([b["inputs"] for b in text_batches(2, 16, 3, seed)] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first[0], first[1])


@pytest.mark.parametrize("seq", [0, -1, 10**9])
def test_a_stretch_longer_than_the_text_is_refused(seq: int) -> None:
    with pytest.raises(ValueError, match=f"seq={seq}"):
        next(text_batches(2, seq, 1))


def test_loss_is_the_cross_entropy_of_optax() -> None:
    logits = jax.random.normal(jax.random.key(0), (2, 5, 7))
    targets = jnp.arange(10).reshape(2, 5) % 7
    expected = optax.softmax_cross_entropy_with_integer_labels(logits, targets).mean()
    loss = next_token_loss(lambda _: logits, {"inputs": targets, "targets": targets})
    assert_allclose(loss, expected, rtol=1e-6)
