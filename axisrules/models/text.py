"""Real text that every CPython ships, as batches of byte tokens, and the loss of a language model."""

import pydoc_data.topics
from collections.abc import Iterator
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

VOCAB = 256


@cache
def text_tokens() -> np.ndarray:
    """The topics of Python's own `help()`, about half a megabyte of English: uint8, read-only."""
    topics = pydoc_data.topics.topics
    tokens = np.frombuffer("\n\n".join(topics[name] for name in sorted(topics)).encode(), dtype=np.uint8)
    assert not tokens.flags.writeable, "the array is shared by every caller"
    return tokens


def text_batches(batch: int, seq: int, steps: int, seed: int = 0) -> Iterator[dict[str, np.ndarray]]:
    """`steps` batches of random stretches of the text, the same for the same arguments.

    Each is {"inputs": int32 [batch, seq], "targets": int32 [batch, seq]}; a target is the next byte.
    """
    tokens = text_tokens()
    if not 0 < seq < len(tokens):
        raise ValueError(f"seq={seq} is not within 1 to {len(tokens) - 1}, the length of the text")
    random = np.random.default_rng(seed)
    for _ in range(steps):
        starts = random.integers(0, len(tokens) - seq, size=batch)
        stretch = tokens[starts[:, None] + np.arange(seq + 1)].astype(np.int32)
        yield {"inputs": stretch[:, :-1], "targets": stretch[:, 1:]}


def next_token_loss(model: Any, batch: dict[str, jax.Array]) -> jax.Array:
    """Mean cross entropy, in nats, of `model(batch["inputs"])` against `batch["targets"]`: float32 [].

    `model` is a bound linen module or an nnx module that maps tokens [batch, seq] to logits
    [batch, seq, vocab]. The targets' logits are picked with a one-hot, which works on a vocabulary
    that is cut over devices.
    """
    logits = model(batch["inputs"]).astype(jnp.float32)
    picked = jnp.sum(logits * jax.nn.one_hot(batch["targets"], logits.shape[-1]), axis=-1)
    return jnp.mean(jax.nn.logsumexp(logits, axis=-1) - picked)
