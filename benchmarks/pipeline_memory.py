"""What a pipeline keeps does not grow with the microbatches, and its loops send activations and nothing else.

Compiled for a TPU v5e of eight chips that need not be there: python -m benchmarks.pipeline_memory
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax.experimental import topologies
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from axisrules import constrain, load_rules, make_mesh, make_partitioner, read_program
from axisrules.models import DecoderConfig, linen_decoder, next_token_loss
from axisrules.models.config import unconstrained
from axisrules.models.linen_decoder import Block
from axisrules.rules import parse_training
from benchmarks.report import Figure, publish

TOPOLOGY = "v5e:2x4"
# Widths of a Llama 2 in small: its vocabulary is eight times as large as `embed`.
CONFIG = DecoderConfig(
    vocab=8192, embed=1024, heads=8, kv_heads=8, head_dim=128, mlp=4096, layers=8, dtype="bfloat16"
)
SEQ, ROWS, STAGES, DATA = 512, 2, 4, 2
PIPE = f"data={DATA},stage={STAGES}"
COLLECTIVES = re.compile(
    r" (all-gather|all-reduce|reduce-scatter|all-to-all|collective-permute)(?:-start)?\("
)
FEW, MANY = 4, 32
# Beside the input of every layer, which a pipeline keeps if the table says nothing of remat.
KEPT = {"stage inputs": {"recompute": "full", "every": CONFIG.layers // STAGES}, "everything": "none"}


def compiled(table: str, mesh_text: str, microbatches: int, **wanted: Any) -> Any:
    """A train step for the topology, each device with two rows of every microbatch."""
    tokens = jax.ShapeDtypeStruct((ROWS * DATA * microbatches, SEQ), jnp.int32)
    batch = dict.fromkeys(("inputs", "targets"), tokens)
    model = linen_decoder(CONFIG, constrain)
    axes = dict.fromkeys(batch, "batch seq")
    program = read_program(model, next_token_loss, batch, optimizer=optax.sgd(0.1), batch_axes=axes)
    rules = load_rules(table) | parse_training({"microbatches": microbatches, **wanted})
    partitioner = make_partitioner(program, rules, make_mesh(mesh_text, _devices()))
    return partitioner.train_step().lower(partitioner.abstract_state, program.batch).compile()


def shifted_gpipe(microbatches: int) -> Any:
    """The same train step as GPipe by vmap over stages and a shift, differentiated by JAX.

    Every layer is rematerialized; embedding and loss are those of the whole batch, outside of the pipeline.
    """
    mesh = make_mesh(PIPE, _devices())
    block = Block(CONFIG, unconstrained)
    x = jax.ShapeDtypeStruct((microbatches, ROWS * DATA, SEQ, CONFIG.embed), jnp.bfloat16)
    one = jax.eval_shape(lambda key: nn.unbox(block.init(key, jnp.zeros(x.shape[1:], x.dtype), None)), _key())
    depth = CONFIG.layers // STAGES
    params = {
        "layers": jax.tree.map(
            lambda leaf: _on(mesh, (STAGES, depth, *leaf.shape), leaf.dtype, "stage"), one
        ),
        "table": _on(mesh, (CONFIG.vocab, CONFIG.embed), jnp.float32),
        "head": _on(mesh, (CONFIG.embed, CONFIG.vocab), jnp.float32),
    }

    def stage(weights: Any, x: Any) -> Any:
        layer = jax.checkpoint(lambda x, weights: block.apply(weights, x, None))
        return jax.lax.scan(layer, x, weights)[0]

    def piped(weights: Any, x: Any) -> Any:
        def tick(held: Any, fed: Any) -> tuple[Any, Any]:
            shifted = jnp.concatenate([fed[None], held[:-1]])
            out = jax.vmap(stage)(weights, shifted)
            out = jax.lax.with_sharding_constraint(out, NamedSharding(mesh, PartitionSpec("stage", "data")))
            return out, out[-1]

        fed = jnp.concatenate([x, jnp.zeros((STAGES - 1, *x.shape[1:]), x.dtype)])
        _, outs = jax.lax.scan(tick, jnp.zeros((STAGES, *x.shape[1:]), x.dtype), fed)
        return outs[STAGES - 1 :]

    def loss(params: Any, batch: Any) -> Any:
        x = piped(params["layers"], params["table"].astype(jnp.bfloat16)[batch["inputs"]])
        logits = (x @ params["head"].astype(x.dtype)).astype(jnp.float32)
        return optax.softmax_cross_entropy_with_integer_labels(logits, batch["targets"]).mean()

    def step(params: Any, batch: Any) -> Any:
        value, grads = jax.value_and_grad(loss)(params, batch)
        return jax.tree.map(lambda leaf, grad: leaf - 0.1 * grad, params, grads), value

    tokens = _on(mesh, (microbatches, ROWS * DATA, SEQ), jnp.int32, None, "data")
    batch = dict.fromkeys(("inputs", "targets"), tokens)
    return jax.jit(step, donate_argnums=0).lower(params, batch).compile()


def measure() -> list[Figure]:
    """Temporaries on one device, and collectives."""
    return [figure for part in (_schedules, _modes, _offloaded, _tensor) for figure in part()]


def _schedules() -> Iterator[Figure]:
    """Each schedule at few and many microbatches, and the usual GPipe beside them."""
    for schedule, extra in (("1f1b", {}), ("interleaved", {"repeats": 2})):
        kept = {}
        for m in (FEW, 2 * FEW, MANY):
            step = compiled("pipeline", PIPE, m, schedule=schedule, **extra)
            kept[m] = _temporaries(step)
            yield _shown(Figure(f"{schedule}: temporaries at {m} microbatches", kept[m] / 1e6, "MB"))
        for m in (FEW, 2 * FEW):
            yield _shown(Figure(f"{schedule}: those at {MANY} over {m}", kept[MANY] / kept[m], at_most=1.02))
        if schedule == "1f1b":
            yield from _collectives(schedule, step, 4)
            shifted = _temporaries(shifted_gpipe(MANY))
            yield _shown(Figure(f"vmap GPipe with layer remat at {MANY}", shifted / 1e6, "MB"))
            yield _shown(Figure(f"1f1b over it, at {MANY}", kept[MANY] / shifted, at_most=0.25))
    yield from _collectives("gpipe", compiled("pipeline", PIPE, FEW, schedule="gpipe"), 2)


def _modes() -> Iterator[Figure]:
    """1F1B with other things kept of a microbatch than the input of every layer."""
    for name, remat in KEPT.items():
        kept = {}
        for m in (FEW, MANY):
            kept[m] = _temporaries(compiled("pipeline", PIPE, m, schedule="1f1b", remat=remat))
            yield _shown(Figure(f"1f1b, {name} kept: temporaries at {m}", kept[m] / 1e6, "MB"))
        ratio = kept[MANY] / kept[FEW]
        yield _shown(Figure(f"1f1b, {name} kept: those at {MANY} over {FEW}", ratio, at_most=1.02))


def _offloaded() -> Iterator[Figure]:
    """Named activations beside the inputs of layers, kept on the device or on its host."""
    for word in ("save", "offload"):
        remat = {"recompute": "full", word: "batch seq mlp"}
        memory = compiled("pipeline", PIPE, 2 * FEW, schedule="1f1b", remat=remat).memory_analysis()
        name = f"1f1b, {word} mlp: temporaries at {2 * FEW}"
        yield _shown(Figure(name, memory.temp_size_in_bytes / 1e6, "MB"))
        yield _shown(Figure(f"{name}, on the host", memory.host_temp_size_in_bytes / 1e6, "MB"))


def _tensor() -> Iterator[Figure]:
    """Nothing is gathered where tensor parallelism goes along and layers are recomputed."""
    step = compiled("3d", "data=2,stage=2,tensor=2", FEW, schedule="1f1b")
    yield _shown(Figure("all-gathers under tensor parallelism", _count(step)["all-gather"], at_most=0))


def _shown(figure: Figure) -> Figure:
    print(figure, flush=True)
    return figure


def _collectives(name: str, step: Any, permutes: int) -> list[Figure]:
    """Permutes are in the loops; the all-reduces of gradients and loss come after them."""
    count = _count(step)
    other = sum(count.values()) - count["collective-permute"] - count["all-reduce"]
    return [
        Figure(
            f"{name}: collective-permutes", count["collective-permute"], at_least=permutes, at_most=permutes
        ),
        Figure(f"{name}: all-reduces in loops", _in_loops(step), at_most=0),
        Figure(f"{name}: other collectives", other, at_most=0),
    ]


def _count(step: Any) -> Counter[str]:
    return Counter(COLLECTIVES.findall(step.as_text()))


def _in_loops(step: Any) -> int:
    """All-reduces outside of the entry computation: in the bodies of loops."""
    text = step.as_text()
    entry = text[text.index("\nENTRY") :]
    return _count(step)["all-reduce"] - Counter(COLLECTIVES.findall(entry))["all-reduce"]


def _temporaries(step: Any) -> int:
    size: int = step.memory_analysis().temp_size_in_bytes
    return size


def _devices() -> Any:
    return topologies.get_topology_desc(TOPOLOGY, platform="tpu").devices


def _key() -> Any:
    return jax.eval_shape(jax.random.key, 0)


def _on(mesh: Mesh, shape: tuple[int, ...], dtype: Any, *spec: str | None) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, dtype, sharding=NamedSharding(mesh, PartitionSpec(*spec)))


if __name__ == "__main__":
    jax.config.update("jax_platforms", "cpu")
    sys.exit(publish("pipeline_memory", measure()))
