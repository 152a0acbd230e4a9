"""Models for the command line to load, and some that cannot be loaded."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn


class Tiny(nn.Module):
    """A language model of two parameters."""

    @nn.compact
    def __call__(self, tokens):
        normal = nn.initializers.normal(0.1)
        embedding = self.param(
            "embedding", nn.with_logical_partitioning(normal, ("vocab", "embed")), (256, 16)
        )
        head = self.param("<head>", nn.with_logical_partitioning(normal, ("embed", "vocab")), (16, 256))
        return jnp.take(embedding, tokens, axis=0) @ head


class Failing(nn.Module):
    """A model whose author mixed up two shapes."""

    @nn.compact
    def __call__(self, tokens):
        return tokens + jnp.zeros((3, 4, 5))  # the line to be shown


def model():
    return Tiny()


def failing():
    return Failing()


def raising():
    raise KeyError("lost")


def squares(model, batch):
    return jnp.mean(model(batch["inputs"]) ** 2)


def with_shapes_only():
    return Tiny(), squares, {"inputs": jax.ShapeDtypeStruct((8, 4), jnp.int32)}


def with_batch():
    return Tiny(), squares, {"inputs": np.zeros((8, 4), np.int32)}


def with_loss_alone():
    return Tiny(), squares, None
