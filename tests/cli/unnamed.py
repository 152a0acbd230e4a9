"""Models that name no axis, for the command line to wrap, and some that it can't."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from flax import nnx


class Block(nn.Module):
    @nn.compact
    def __call__(self, x):
        scale = self.param("gain", nn.initializers.ones, (32,))
        hidden = nn.relu(nn.Dense(128, name="up")(x * scale))
        return x + nn.Dense(32, use_bias=False, kernel_init=nn.initializers.normal(0.02), name="down")(hidden)


class Model(nn.Module):
    def setup(self):
        self.table = nn.Embed(256, 32)
        self.layers = [Block(), Block()]

    def __call__(self, tokens):
        x = self.table(tokens)
        for layer in self.layers:
            x = layer(x)
        return self.table.attend(x)


class Vision(nnx.Module):
    def __init__(self, rngs):
        self.inner = nnx.Linear(24, 64, rngs=rngs)
        self.outer = nnx.Linear(64, 16, rngs=rngs)
        self.shift = nnx.Param(jnp.zeros((16,)))

    def __call__(self, x):
        return self.outer(nnx.relu(self.inner(x))) + self.shift


class Fused(nn.Module):
    @nn.compact
    def __call__(self, tokens):
        x = nn.Embed(256, 32, name="table")(tokens)
        a, b, c = jnp.split(nn.Dense(3 * 64, name="fused")(x), 3, axis=-1)
        return nn.Dense(32, name="out")(a * b + c)


class Mistaken(nn.Module):
    """An author who mixed up two names."""

    @nn.compact
    def __call__(self, tokens):
        normal = nn.initializers.normal(0.1)
        table = self.param("table", nn.with_logical_partitioning(normal, ("vocab", "embed")), (256, 32))
        up = self.param("up", nn.with_logical_partitioning(normal, ("embed", "mlp")), (32, 128))
        down = self.param("down", nn.with_logical_partitioning(normal, ("embed", "mlp")), (128, 32))
        return jnp.take(table, tokens, axis=0) @ up @ down @ table.T


def model():
    return Model()


def mistaken():
    return Mistaken()


def fused():
    return Fused(), squares, {"inputs": np.zeros((8, 16), np.int32)}


def vision():
    return Vision, squares, {"inputs": np.zeros((8, 24), np.float32)}


def function():
    return (make, apply), squares, {"inputs": np.zeros((8, 24), np.float32)}


def make(key):
    return {"up": jax.random.normal(key, (24, 64)), "down": jax.random.normal(key, (64, 16))}


def apply(params, x):
    return jnp.tanh(x @ params["up"]) @ params["down"]


def squares(model, batch):
    return jnp.mean(model(batch["inputs"]) ** 2)


class Concrete(nn.Module):
    @nn.compact
    def __call__(self, tokens):
        return tokens if tokens.sum() > 0 else -tokens


def concrete():
    return Concrete()


def needs_arguments(size):
    return Model()


def number():
    return 3
