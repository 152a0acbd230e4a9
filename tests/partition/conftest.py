"""Two tiny models, linen and nnx, alike in shape: a scanned gated block with dropout."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import axisrules

# Wide enough that every shard's minor dim fills a vector register: below that, XLA's CPU code takes
# another path for the last elements, and random draws may differ in their last bit (JAX 0.12).
EMBED, MLP, LAYERS, BATCH = 128, 256, 3, 8
# Adam divides by the gradient's size: a large epsilon keeps rounding from showing where that is almost 0.
ADAMW = optax.adamw(1e-2, eps=1e-2)
initialiser = nn.initializers.lecun_normal()


class LinenBlock(nn.Module):
    @nn.compact
    def __call__(self, x, _):
        up = self.param("up", nn.with_logical_partitioning(initialiser, ("embed", "mlp")), (EMBED, MLP))
        down = self.param("down", nn.with_logical_partitioning(initialiser, ("mlp", "embed")), (MLP, EMBED))
        hidden = axisrules.constrain(nn.silu(x @ up), "batch mlp")
        return axisrules.constrain(x + hidden @ down, "batch embed"), None


class LinenModel(nn.Module):
    dropout: float = 0.0

    @nn.compact
    def __call__(self, x):
        stack = nn.scan(
            nn.remat(LinenBlock),
            variable_axes={"params": 0},
            split_rngs={"params": True},
            length=LAYERS,
            metadata_params={nn.PARTITION_NAME: "layers"},
        )
        x, _ = stack(name="layers")(x, None)
        if self.dropout:
            x = nn.Dropout(self.dropout, deterministic=not self.has_rng("dropout"))(x)
        return x


class NnxBlock(nnx.Module):
    def __init__(self, rngs):
        self.up = nnx.Param(initialiser(rngs.params(), (EMBED, MLP)), out_sharding=("embed", "mlp"))
        self.down = nnx.Param(initialiser(rngs.params(), (MLP, EMBED)), out_sharding=("mlp", "embed"))

    def __call__(self, x):
        hidden = axisrules.constrain(nn.silu(x @ self.up[...]), "batch mlp")
        return axisrules.constrain(x + hidden @ self.down[...], "batch embed")


class NnxModel(nnx.Module):
    def __init__(self, rngs):
        stacked = {nnx.PARTITION_NAME: "layers"}

        @nnx.split_rngs(splits=LAYERS)
        @nnx.vmap(in_axes=0, out_axes=0, transform_metadata=stacked)
        def build(rngs):
            return NnxBlock(rngs)

        self.layers = build(rngs)

    def __call__(self, x):
        @nnx.scan(
            in_axes=(0, nnx.Carry), out_axes=nnx.Carry, transform_metadata={nnx.PARTITION_NAME: "layers"}
        )
        def run(block, x):
            return block(x)

        return run(self.layers, x)


def squared_error(model, batch):
    return jnp.mean((model(batch["x"]) - batch["y"]) ** 2)


@pytest.fixture(scope="session")
def batch():
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=(BATCH, EMBED)).astype("float32") for name in ("x", "y")}


@pytest.fixture(scope="session")
def read(batch):
    """Reads a tiny program: `read("linen")`, with another optimizer or another loss if asked."""

    def read(api="linen", optimizer=ADAMW, loss=squared_error, **options):
        model = LinenModel(**options) if api == "linen" else NnxModel
        return axisrules.read_program(model, loss, batch, optimizer=optimizer)

    return read


@pytest.fixture(scope="session")
def train(batch):
    """Trains under a partitioner, from a fresh state or a given one; returns losses and last state."""

    def train(partitioner, state=None, steps=3):
        state = partitioner.init(jax.random.key(0)) if state is None else state
        step, placed = partitioner.train_step(), partitioner.place(batch)
        losses = []
        for _ in range(steps):
            state, metrics = step(state, placed)
            losses.append(float(metrics["loss"]))
        return losses, state

    return train


@pytest.fixture(scope="session")
def on_one_device(train):
    """Trains a program on one device: what every layout is held against."""

    def on_one_device(program, steps=3):
        mesh = axisrules.make_mesh("data=1", jax.devices()[:1])
        return train(axisrules.make_partitioner(program, "dp", mesh), steps=steps)

    return on_one_device
