"""Small language models for the pipeline's figures: linen and nnx, tied or not, layers scanned."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from axisrules import Program, constrain, read_program

VOCAB, EMBED, MLP, SEQ = 16, 8, 16, 4
STACKED = {nn.PARTITION_NAME: "layers"}
INIT = nn.initializers.lecun_normal()


def mix(x: jax.Array, up: jax.Array, down: jax.Array) -> jax.Array:
    """One layer: a causal mean over the sequence, then an MLP, both added to the residual."""
    position = jnp.arange(x.shape[1])
    weights = (position[:, None] >= position) / (position[:, None] + 1)
    x = x + jnp.einsum("st,bte->bse", weights.astype(x.dtype), x)
    x = constrain(x / jnp.sqrt(1 + jnp.mean(x**2, -1, keepdims=True)), "batch seq embed")
    hidden = constrain(jnp.tanh(x @ up.astype(x.dtype)), "batch seq mlp")
    return constrain(x + hidden @ down.astype(x.dtype), "batch seq embed")


class Block(nn.Module):
    """One layer in linen."""

    @nn.compact
    def __call__(self, x: jax.Array, _: None) -> tuple[jax.Array, None]:
        """The next residual."""
        up = self.param("up", nn.with_logical_partitioning(INIT, ("embed", "mlp")), (EMBED, MLP))
        down = self.param("down", nn.with_logical_partitioning(INIT, ("mlp", "embed")), (MLP, EMBED))
        return mix(x, up, down), None


class LinenModel(nn.Module):
    """Tokens to logits; tied, the embedding is the head."""

    layers: int
    is_tied: bool
    dtype: str = "float32"

    @nn.compact
    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Logits in float32."""
        normal = nn.with_logical_partitioning(nn.initializers.normal(1.0), ("vocab", "embed"))
        table = self.param("embedding", normal, (VOCAB, EMBED))
        stack = nn.scan(
            Block,
            variable_axes={"params": 0},
            split_rngs={"params": True},
            length=self.layers,
            metadata_params=STACKED,
        )
        x, _ = stack(name="layers")(
            jax.nn.one_hot(tokens, VOCAB, dtype=self.dtype) @ table.astype(self.dtype), None
        )
        head = table.T
        if not self.is_tied:
            head = self.param("head", nn.with_logical_partitioning(INIT, ("embed", "vocab")), (EMBED, VOCAB))
        return (x @ head.astype(self.dtype)).astype(jnp.float32)


class NnxBlock(nnx.Module):
    """One layer in nnx."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        """Weights from `rngs`."""
        self.up = nnx.Param(INIT(rngs.params(), (EMBED, MLP)), out_sharding=("embed", "mlp"))
        self.down = nnx.Param(INIT(rngs.params(), (MLP, EMBED)), out_sharding=("mlp", "embed"))

    def __call__(self, x: jax.Array) -> jax.Array:
        """The next residual."""
        return mix(x, self.up[...], self.down[...])


class NnxModel(nnx.Module):
    """The same model in nnx."""

    def __init__(self, rngs: nnx.Rngs, layers: int, is_tied: bool) -> None:
        """`layers` blocks as one."""
        normal = nn.initializers.normal(1.0)
        self.embedding = nnx.Param(normal(rngs.params(), (VOCAB, EMBED)), out_sharding=("vocab", "embed"))
        if not is_tied:
            self.head = nnx.Param(INIT(rngs.params(), (EMBED, VOCAB)), out_sharding=("embed", "vocab"))
        build = nnx.vmap(NnxBlock, in_axes=0, out_axes=0, transform_metadata=STACKED)
        self.layers = nnx.split_rngs(splits=layers)(build)(rngs)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Logits."""
        run = nnx.scan(
            lambda block, x: block(x),
            in_axes=(0, nnx.Carry),
            out_axes=nnx.Carry,
            transform_metadata=STACKED,
        )
        x = run(self.layers, jax.nn.one_hot(tokens, VOCAB) @ self.embedding[...])
        return x @ (self.head[...] if hasattr(self, "head") else self.embedding[...].T)


def loss(model: Any, batch: Any) -> jax.Array:
    """Mean cross entropy over tokens."""
    logits = model(batch["inputs"])
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, batch["targets"]))


def tokens(rows: int) -> dict[str, np.ndarray]:
    """A batch of random tokens."""
    rng = np.random.default_rng(0)
    return {name: rng.integers(0, VOCAB, (rows, SEQ)).astype("int32") for name in ("inputs", "targets")}


def read(api: str, layers: int, rows: int, *, is_tied: bool = False, dtype: str = "float32") -> Program:
    """The program of one of the models."""
    model: Any = LinenModel(layers, is_tied, dtype)
    if api == "nnx":

        def model(rngs: nnx.Rngs) -> NnxModel:
            return NnxModel(rngs, layers, is_tied)

    batch = tokens(rows)
    axes = dict.fromkeys(batch, "batch seq")
    return read_program(model, loss, batch, optimizer=optax.sgd(0.1), batch_axes=axes)
