"""Transformer blocks without embedding and loss, cut by a rule table or by hand as Megatron cuts them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from jax.sharding import PartitionSpec

from axisrules import constrain, read_program
from axisrules.mesh import MeshSpec, Target
from axisrules.models.layers import causal_attention, rms_norm, rotate
from axisrules.partition import Partitioner, described_partitioner, use_plan
from axisrules.rules import RuleTable, load_rules, parse_rules
from axisrules.targets import CompileJob
from benchmarks.described import abstract_mesh, function_job

LAYERS, BATCH, SEQ, EMBED, HEADS, HEAD_DIM, MLP = 2, 16, 512, 1024, 16, 64, 4096
X = jax.ShapeDtypeStruct((BATCH, SEQ, EMBED), "bfloat16")
TENSOR = "tensor"

Tree = Any
Move = Callable[[jax.Array], jax.Array]


@dataclass(frozen=True)
class Moves:
    """What happens to an activation that goes into a block's first matmuls, and to what its last one gives.

    `hidden` lays out what lies between, by its logical axes.
    """

    enter: Move
    leave: Move
    hidden: Callable[[jax.Array, str], jax.Array]


def run_blocks(params: Tree, x: jax.Array, moves: Moves) -> jax.Array:
    """`x` [batch, seq, embed] through every layer's attention and gated MLP."""
    for layer in range(LAYERS):
        p = params[f"layer_{layer}"]
        x = x + _attention(p, moves.enter(rms_norm(x, p["attention_norm"], 1e-6)), moves)
        x = x + _mlp(p, moves.enter(rms_norm(x, p["mlp_norm"], 1e-6)), moves)
    return x


def _attention(p: Tree, x: jax.Array, moves: Moves) -> jax.Array:
    project = lambda kernel: moves.hidden(jnp.einsum("bse,ehd->bshd", x, kernel), "heads head_dim")  # noqa: E731
    query, key, value = project(p["query"]), project(p["key"]), project(p["value"])
    mixed = causal_attention(rotate(query, 1e4), rotate(key, 1e4), value)
    return moves.leave(jnp.einsum("bshd,hde->bse", moves.hidden(mixed, "heads head_dim"), p["out"]))


def _mlp(p: Tree, x: jax.Array, moves: Moves) -> jax.Array:
    gated = moves.hidden(nn.silu(x @ p["gate"]) * (x @ p["up"]), "mlp")
    return moves.leave(gated @ p["down"])


# A rule table's program. What leaves a block is first named whole: backward, its gradient is then gathered
# once, for both matmuls that need it; forward, an all-reduce of which a part is kept is a reduce-scatter.

BY_RULES = Moves(
    enter=lambda x: constrain(x, "batch block_seq embed"),
    leave=lambda x: constrain(constrain(x, "batch block_seq embed"), "batch seq embed"),
    hidden=lambda x, names: constrain(x, f"batch block_seq {names}"),
)


class Blocks(nn.Module):
    """The blocks as a linen module with logical axes."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """`x` [batch, seq, embed] through every layer."""
        return run_blocks({f"layer_{n}": Kernels(name=f"layer_{n}")() for n in range(LAYERS)}, x, BY_RULES)


class Kernels(nn.Module):
    """One layer's weights by name."""

    @nn.compact
    def __call__(self) -> dict[str, jax.Array]:
        """The weights, with their logical axes."""
        kernel = partial(self._weight, dtype=jnp.bfloat16)
        return {
            "attention_norm": self._weight("attention_norm", (EMBED,), "embed"),
            "mlp_norm": self._weight("mlp_norm", (EMBED,), "embed"),
            "query": kernel("query", (EMBED, HEADS, HEAD_DIM), "embed heads head_dim"),
            "key": kernel("key", (EMBED, HEADS, HEAD_DIM), "embed heads head_dim"),
            "value": kernel("value", (EMBED, HEADS, HEAD_DIM), "embed heads head_dim"),
            "out": kernel("out", (HEADS, HEAD_DIM, EMBED), "heads head_dim embed"),
            "gate": kernel("gate", (EMBED, MLP), "embed mlp"),
            "up": kernel("up", (EMBED, MLP), "embed mlp"),
            "down": kernel("down", (MLP, EMBED), "mlp embed"),
        }

    def _weight(self, name: str, shape: tuple[int, ...], axes: str, dtype: Any = jnp.float32) -> jax.Array:
        init = nn.with_logical_partitioning(nn.initializers.ones_init(), tuple(axes.split()))
        weight: jax.Array = self.param(name, init, shape, dtype)
        return weight


def table_of(preset: str) -> RuleTable:
    """`preset` for these blocks: inside a block, the sequence is whole."""
    return load_rules(preset) | parse_rules({"name": "blocks", "rules": {"block_seq": []}})


def partitioner_of(preset: str, mesh: MeshSpec) -> Partitioner:
    """The blocks' layout under `preset`."""
    program = read_program(
        Blocks(),
        lambda model, batch: jnp.sum(model(batch["x"])),
        {"x": X},
        optimizer=optax.sgd(1.0),
        batch_axes={"x": "batch seq embed"},
    )
    return described_partitioner(program, table_of(preset), mesh)


def rules_job(preset: str, mesh: MeshSpec, target: Target) -> CompileJob:
    """Forward and backward of the blocks as `preset` cuts them."""
    partitioner = partitioner_of(preset, mesh)

    def by_rules(*arrays: jax.Array) -> list[jax.Array]:
        with use_plan(partitioner):
            return _both_ways(lambda params, x: Blocks().apply({"params": params}, x), partitioner, arrays)

    return _job(by_rules, preset, partitioner, target)


# The same by hand.


def hand_job(preset: str, mesh: MeshSpec, target: Target) -> CompileJob:
    """Forward and backward of the blocks with Megatron's collectives written out, cut as by `preset`."""
    partitioner = partitioner_of(preset, mesh)
    specs = _specs(preset, partitioner)
    moves = MEGATRON[preset]

    def on_one_device(*arrays: jax.Array) -> list[jax.Array]:
        y, dx, *gradients = _both_ways(partial(run_blocks, moves=moves), partitioner, arrays)
        if preset == "tp_sp":  # each device has seen its own part of the sequence
            gradients = [jax.lax.psum(g, TENSOR) if g.ndim == 1 else g for g in gradients]
        return [y, dx, *gradients]

    by_hand = jax.shard_map(
        on_one_device,
        mesh=abstract_mesh(mesh),
        in_specs=tuple(specs),
        out_specs=specs,
        check_vma=False,
    )
    return _job(by_hand, preset, partitioner, target)


def _there_and_back(forward: Move, backward: Move) -> Move:
    """A function with a collective of its own for each direction."""
    move = jax.custom_vjp(forward)
    move.defvjp(lambda x: (forward(x), None), lambda _, gradient: (backward(gradient),))
    return move


def _same(x: jax.Array) -> jax.Array:
    return x


def _reduce(x: jax.Array) -> jax.Array:
    return jax.lax.psum(x, TENSOR)


def _gather(x: jax.Array) -> jax.Array:
    return jax.lax.all_gather(x, TENSOR, axis=1, tiled=True)


def _scatter(x: jax.Array) -> jax.Array:
    return jax.lax.psum_scatter(x, TENSOR, scatter_dimension=1, tiled=True)


# Source: Shoeybi et al. 2019, figure 3 (f and g); Korthikanti et al. 2022, figure 5 (g and g-bar).
MEGATRON = {
    "tp": Moves(_there_and_back(_same, _reduce), _there_and_back(_reduce, _same), lambda x, _: x),
    "tp_sp": Moves(_there_and_back(_gather, _scatter), _there_and_back(_scatter, _gather), lambda x, _: x),
}


def _both_ways(
    apply: Callable[[Tree, jax.Array], jax.Array], partitioner: Partitioner, arrays: tuple[jax.Array, ...]
) -> list[jax.Array]:
    """The result, and the gradients by input and weights, for (x, gradient of the result, *weights)."""
    x, gradient, *leaves = arrays
    params = jax.tree.unflatten(jax.tree.structure(partitioner.abstract_state.params), leaves)
    y, pull = jax.vjp(apply, params, x)
    by_params, by_x = pull(gradient)
    return [y, by_x, *jax.tree.leaves(by_params)]


def _specs(preset: str, partitioner: Partitioner) -> list[PartitionSpec]:
    """Of x and its gradient, or of the result and its input's gradient, and of every weight."""
    activation = PartitionSpec(None, TENSOR, None) if preset == "tp_sp" else PartitionSpec(None, None, None)
    weights = [sharding.spec for sharding in jax.tree.leaves(partitioner.state_shardings.params)]
    return [activation, activation, *weights]


def _job(function: Any, preset: str, partitioner: Partitioner, target: Target) -> CompileJob:
    shapes = [X, X, *jax.tree.leaves(partitioner.abstract_state.params)]
    bare = [jax.ShapeDtypeStruct(shape.shape, shape.dtype) for shape in shapes]
    specs = _specs(preset, partitioner)
    return function_job(function, list(zip(bare, specs, strict=True)), specs, partitioner.plan.mesh, target)
