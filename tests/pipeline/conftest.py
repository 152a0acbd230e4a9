"""Tiny language models, linen and nnx, and a pipelined gradient held against one device's."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import axisrules
from axisrules.mesh import parse_mesh
from axisrules.pipeline import make_objective
from axisrules.rules import parse_rules

EMBED, MLP, VOCAB, SEQ = 8, 16, 12, 3
initialiser = nn.initializers.lecun_normal()
STACKED = {nn.PARTITION_NAME: "layers"}
FREE = ("vocab", "embed", "seq", "heads", "kv_heads", "head_dim")
RULES = {"layers": "stage", "batch": "data", "mlp": "tensor"} | {name: [] for name in FREE}
TABLE = {"optional_mesh_axes": ["data", "tensor"], "rules": RULES}


def named(init, *names):
    return nn.with_logical_partitioning(init, names)


class Block(nn.Module):
    aux: bool = False
    dropout: float = 0.0
    activation: Callable[[jax.Array], jax.Array] = jnp.tanh

    @nn.compact
    def __call__(self, x, _):
        up = self.param("up", named(initialiser, "embed", "mlp"), (EMBED, MLP))
        down = self.param("down", named(initialiser, "mlp", "embed"), (MLP, EMBED))
        hidden = axisrules.constrain(self.activation(x @ up.astype(x.dtype)), "batch seq mlp")
        y = axisrules.constrain(x + hidden @ down.astype(x.dtype), "batch seq embed")
        if self.dropout:
            y = nn.Dropout(self.dropout, deterministic=not self.has_rng("dropout"))(y)
        return y, (jnp.mean(jnp.square(hidden)) if self.aux else None)


class LinenModel(nn.Module):
    layers: int = 4
    tied: bool = False
    aux: bool = False
    dropout: float = 0.0
    dtype: str = "float32"
    activation: Callable[[jax.Array], jax.Array] = jnp.tanh

    @nn.compact
    def __call__(self, tokens):
        table = self.param("embedding", named(nn.initializers.normal(1.0), "vocab", "embed"), (VOCAB, EMBED))
        stack = nn.scan(
            Block,
            variable_axes={"params": 0},
            split_rngs={"params": True, "dropout": True},
            length=self.layers,
            metadata_params=STACKED,
        )
        stacked = stack(self.aux, self.dropout, self.activation, name="layers")
        x, aux = stacked(table.astype(self.dtype)[tokens], None)
        head = table.T
        if not self.tied:
            head = self.param("head", named(initialiser, "embed", "vocab"), (EMBED, VOCAB))
        logits = (x @ head.astype(self.dtype)).astype("float32")
        return logits, (0.0 if aux is None else jnp.sum(aux))


class ListModel(nn.Module):
    """The same with its layers in a list; `widths` makes them unlike each other."""

    layers: int = 4
    aux: bool = False
    dropout: float = 0.0
    widths: tuple = ()

    @nn.compact
    def __call__(self, tokens):
        table = self.param("embedding", named(nn.initializers.normal(1.0), "vocab", "embed"), (VOCAB, EMBED))
        x, total = table[tokens], 0.0
        for i in range(self.layers):
            if self.widths:
                x = x + nn.Dense(EMBED, name=f"layers_{i}")(jnp.tile(x, (1, 1, self.widths[i])))
                continue
            x, aux = Block(self.aux, self.dropout, name=f"layers_{i}")(x, None)
            total = total + (0.0 if aux is None else aux)
        head = self.param("head", named(initialiser, "embed", "vocab"), (EMBED, VOCAB))
        return x @ head, total


class NnxBlock(nnx.Module):
    def __init__(self, rngs, dropout):
        self.up = nnx.Param(initialiser(rngs.params(), (EMBED, MLP)), out_sharding=("embed", "mlp"))
        self.down = nnx.Param(initialiser(rngs.params(), (MLP, EMBED)), out_sharding=("mlp", "embed"))
        self.dropout = nnx.Dropout(dropout, rngs=rngs)

    def __call__(self, x):
        hidden = axisrules.constrain(jnp.tanh(x @ self.up[...]), "batch seq mlp")
        return self.dropout(axisrules.constrain(x + hidden @ self.down[...], "batch seq embed"))


class NnxModel(nnx.Module):
    def __init__(self, rngs, layers=4, dropout=0.0):
        @nnx.split_rngs(splits=layers)
        @nnx.vmap(in_axes=0, out_axes=0, transform_metadata=STACKED)
        def build(rngs):
            return NnxBlock(rngs, dropout)

        self.embedding = nnx.Param(
            nn.initializers.normal(1.0)(rngs.params(), (VOCAB, EMBED)), out_sharding=("vocab", "embed")
        )
        self.layers = build(rngs)
        self.head = nnx.Param(initialiser(rngs.params(), (EMBED, VOCAB)), out_sharding=("embed", "vocab"))

    def __call__(self, tokens):
        @nnx.scan(in_axes=(0, nnx.Carry), out_axes=nnx.Carry, transform_metadata=STACKED)
        def run(block, x):
            return block(x)

        return run(self.layers, self.embedding[...][tokens]) @ self.head[...], 0.0


class NnxListModel(nnx.Module):
    def __init__(self, rngs, layers=4, dropout=0.0):
        self.embedding = nnx.Param(
            nn.initializers.normal(1.0)(rngs.params(), (VOCAB, EMBED)), out_sharding=("vocab", "embed")
        )
        self.blocks = nnx.List([NnxBlock(rngs, dropout) for _ in range(layers)])
        self.head = nnx.Param(initialiser(rngs.params(), (EMBED, VOCAB)), out_sharding=("embed", "vocab"))

    def __call__(self, tokens):
        x = self.embedding[...][tokens]
        for block in self.blocks:
            x = block(x)
        return x @ self.head[...], 0.0


def token_loss(model, batch):
    """A weighted mean over tokens, an auxiliary loss, and two metrics of which one bends the mean."""
    logits, aux = model(batch["inputs"])
    each = optax.softmax_cross_entropy_with_integer_labels(logits, batch["targets"])
    mean = jnp.sum(each * batch["weights"]) / jnp.sum(batch["weights"])
    hits = jnp.mean(logits.argmax(-1) == batch["targets"])
    return mean + 0.1 * aux, {"hits": hits, "perplexity": jnp.exp(mean)}


@pytest.fixture(scope="session")
def batch():
    """`batch(rows)`: tokens, targets and weights of 0 and 1."""

    def batch(rows=8):
        rng = np.random.default_rng(0)
        tokens = {name: rng.integers(0, VOCAB, (rows, SEQ)).astype("int32") for name in ("inputs", "targets")}
        return tokens | {"weights": rng.integers(0, 2, (rows, SEQ)).astype("float32")}

    return batch


@pytest.fixture(scope="session")
def read(batch):
    """The program of a tiny model: `read(LinenModel(tied=True))`."""

    def read(model=None, rows=8, loss=token_loss):
        arrays = batch(rows)
        axes = dict.fromkeys(arrays, "batch seq")
        return axisrules.read_program(
            model or LinenModel(), loss, arrays, optimizer=optax.sgd(0.1), batch_axes=axes
        )

    return read


@dataclass(frozen=True)
class Compared:
    """A pipelined gradient beside one device's: differences relative to the largest value of each leaf."""

    loss: float
    gradients: float
    metrics: float
    text: str
    rest: object


@pytest.fixture(scope="session")
def table_of():
    """A table with this pipeline: `table_of(schedule="1f1b", microbatches=4)`."""

    def table_of(**pipeline):
        layers = {"mesh": "stage", "uneven": "replicate"} if "split" in pipeline else "stage"
        return parse_rules(TABLE | {"rules": RULES | {"layers": layers}} | pipeline)

    return table_of


@pytest.fixture(scope="session")
def partition(table_of):
    """A partitioner on as many devices as the mesh has."""

    def partition(program, mesh="stage=2,data=2", axis_type="auto", **pipeline):
        spec = parse_mesh(mesh, axis_type=axis_type)
        devices = jax.devices()[: spec.device_count]
        return axisrules.make_partitioner(program, table_of(**pipeline), axisrules.make_mesh(spec, devices))

    return partition


@pytest.fixture(scope="session")
def compare(partition, batch):
    """Runs a program as a pipeline, its bubbles filled with NaN, and holds it against one device."""

    def compare(program, mesh="stage=2,data=2", reference=None, change=None, **pipeline):
        partitioner = partition(program, mesh, **pipeline)
        objective = replace(make_objective(program, partitioner.plan, partitioner.mesh), fill=float("nan"))
        objective = change(objective) if change else objective
        arrays, key = batch(program.batch["inputs"].shape[0]), jax.random.key(0)
        with axisrules.use_plan(None):
            params, rest = jax.jit(program.init)(key)
            plain = reference or (lambda p: program.loss(program.bind(p, rest, key), arrays))
            (loss, metrics), gradients = jax.jit(jax.value_and_grad(plain, has_aux=True))(params)
        pipelined = partitioner.jit(
            jax.value_and_grad(lambda p: objective(p, rest, arrays, key), has_aux=True)
        )
        compiled = pipelined.lower(params).compile()
        (own_loss, (own_metrics, own_rest)), own_gradients = compiled(params)
        return Compared(
            abs(float(own_loss - loss) / float(loss)),
            worst(own_gradients, gradients),
            worst(own_metrics, metrics),
            compiled.as_text(),
            own_rest,
        )

    return compare


def worst(trees, wanted):
    def difference(a, b):
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        return float(np.max(np.abs(a - b)) / max(np.max(np.abs(b)), 1e-30))

    return max(jax.tree.leaves(jax.tree.map(difference, trees, wanted)))
