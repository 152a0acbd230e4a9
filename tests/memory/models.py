"""Four forms of one tiny model: scanned and unrolled, in linen and in nnx; its layers alike."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax import nnx

import axisrules
from axisrules.adapters import in_force

WIDTH, LAYERS, ROWS = 8, 4, 16


class Attention(nn.Module):
    @nn.compact
    def __call__(self, x):
        kernel = self.param("kernel", nn.initializers.lecun_normal(), (WIDTH, WIDTH))
        weights = jax.nn.softmax(x @ (x @ kernel).T / WIDTH)
        return weights @ x


class Block(nn.Module):
    @nn.compact
    def __call__(self, x, _=None):
        x = x + Attention(name="attention")(x)
        kernel = self.param("kernel", nn.initializers.lecun_normal(), (WIDTH, WIDTH))
        hidden = axisrules.constrain(jnp.tanh(x @ kernel), "batch mlp")
        return x + jnp.sin(hidden), None


class Scanned(nn.Module):
    layers: int = LAYERS

    @nn.compact
    def __call__(self, x):
        stack = nn.scan(Block, variable_axes={"params": 0}, split_rngs={"params": True}, length=self.layers)
        return stack(name="layers")(x, None)[0]


class Unrolled(nn.Module):
    @nn.compact
    def __call__(self, x):
        for number in range(LAYERS):
            x, _ = Block(name=f"layers_{number}")(x)
        return x


class NnxAttention(nnx.Module):
    def __init__(self, rngs):
        self.kernel = nnx.Param(nn.initializers.lecun_normal()(rngs.params(), (WIDTH, WIDTH)))

    def __call__(self, x):
        weights = jax.nn.softmax(x @ (x @ self.kernel[...]).T / WIDTH)
        return weights @ x


class NnxBlock(nnx.Module):
    def __init__(self, rngs):
        self.attention = NnxAttention(rngs)
        self.kernel = nnx.Param(nn.initializers.lecun_normal()(rngs.params(), (WIDTH, WIDTH)))

    def __call__(self, x):
        x = x + self.attention(x)
        hidden = axisrules.constrain(jnp.tanh(x @ self.kernel[...]), "batch mlp")
        return x + jnp.sin(hidden)


class NnxScanned(nnx.Module):
    def __init__(self, rngs):
        @nnx.split_rngs(splits=LAYERS)
        @nnx.vmap(in_axes=0, out_axes=0)
        def build(rngs):
            return NnxBlock(rngs)

        self.layers = build(rngs)

    def __call__(self, x):
        @nnx.scan(in_axes=(0, nnx.Carry), out_axes=nnx.Carry)
        def run(block, x):
            return block(x)

        return run(self.layers, x)


class NnxList(nnx.Module):
    def __init__(self, rngs):
        self.layers = nnx.List([NnxBlock(rngs) for _ in range(LAYERS)])

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


FORMS = {"linen_scan": Scanned(), "linen_rows": Unrolled(), "nnx_scan": NnxScanned, "nnx_rows": NnxList}


def mean_square(model, batch):
    return jnp.mean(model(batch["x"]) ** 2)


def read(form, loss=mean_square, **options):
    batch = {"x": jax.ShapeDtypeStruct((ROWS, WIDTH), "float32")}
    model = FORMS[form] if isinstance(form, str) else form
    return axisrules.read_program(model, loss, batch, **options)


class NamesOnly:
    """A layout that lays nothing out, so that activations only have their names."""

    def constrain_array(self, x, *_):
        return x


def loss_of(program):
    """(params, batch) -> loss, and arguments for it."""
    with axisrules.use_plan(None):
        params, rest = program.init(jax.random.key(0))
    batch = {"x": jax.random.normal(jax.random.key(1), (ROWS, WIDTH))}

    def loss(params, batch):
        with in_force(NamesOnly()):
            return program.loss(program.bind(params, rest, jax.random.key(2)), batch)

    return loss, (params, batch)
