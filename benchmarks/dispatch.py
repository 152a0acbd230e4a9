"""A step jitted by axisrules beside the same step under `jax.jit` with NamedShardings written by hand.

python -m benchmarks.dispatch
"""

import statistics
import sys
import time
from typing import Any

import jax
import optax
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from axisrules import constrain, make_partitioner, read_program, use_virtual_devices
from axisrules.models import DecoderConfig, linen_decoder, next_token_loss, text_batches
from benchmarks.hlo import collectives
from benchmarks.plain_training import plain_init, plain_step
from benchmarks.report import Figure, publish

CONFIG = DecoderConfig(embed=32, heads=4, kv_heads=4, head_dim=8, mlp=64, layers=2)
BATCH, SEQ = 4, 16
OPTIMIZER = optax.adamw(1e-3)
CALLS, WARM_UP = 2_000, 50

# What the table fsdp_tp_sp says, written out by hand.
SPECS = {
    "embedding": P("tensor", "fsdp"),
    "final_norm": {"scale": P("fsdp")},
    "head": P("fsdp", "tensor"),
    "layers": {
        "attention": {
            "query": P(None, "fsdp", "tensor", None),
            "key": P(None, "fsdp", "tensor", None),
            "value": P(None, "fsdp", "tensor", None),
            "out": P(None, "tensor", None, "fsdp"),
        },
        "attention_norm": {"scale": P(None, "fsdp")},
        "mlp": {
            "gate": P(None, "fsdp", "tensor"),
            "up": P(None, "fsdp", "tensor"),
            "down": P(None, "tensor", "fsdp"),
        },
        "mlp_norm": {"scale": P(None, "fsdp")},
    },
}
ACTIVATIONS = {
    "batch seq embed": P("fsdp", "tensor", None),
    "batch seq heads head_dim": P("fsdp", None, "tensor", None),
    "batch seq kv_heads head_dim": P("fsdp", None, "tensor", None),
    "batch seq mlp": P("fsdp", None, "tensor"),
    "batch seq vocab": P("fsdp", None, "tensor"),
}


def by_hand(mesh: Mesh, batch: Any) -> tuple[Any, Any]:
    """The jitted step and its state, with no part of axisrules in them."""

    def laid_out(x: jax.Array, names: str) -> jax.Array:
        return jax.lax.with_sharding_constraint(x, NamedSharding(mesh, ACTIVATIONS[names]))

    model = linen_decoder(CONFIG, laid_out)
    init = plain_init(model, OPTIMIZER, batch["inputs"])
    whole = NamedSharding(mesh, P())
    params = jax.tree.map(lambda spec: NamedSharding(mesh, spec), SPECS, is_leaf=lambda x: isinstance(x, P))
    opt_state = optax.tree.map_params(
        OPTIMIZER,
        lambda _, sharding: sharding,
        jax.eval_shape(init, jax.random.key(0))["opt_state"],
        params,
        transform_non_params=lambda _: whole,
    )
    shardings = {"step": whole, "key": whole, "params": params, "opt_state": opt_state}
    step = jax.jit(
        plain_step(model, OPTIMIZER),
        in_shardings=(shardings, NamedSharding(mesh, P("fsdp", None))),
        out_shardings=(shardings, None),
        donate_argnums=(0,),
    )
    return step, jax.jit(init, out_shardings=shardings)(jax.random.key(0))


def dispatch_seconds(runs: dict[str, tuple[Any, Any]], batch: Any) -> dict[str, list[float]]:
    """Seconds until a step's call returns, call by call; the steps take turns at going first."""
    states = {name: state for name, (_, state) in runs.items()}
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for call in range(WARM_UP + CALLS):
        for name in sorted(runs, reverse=call % 2 == 1):
            started = time.perf_counter()
            states[name], _ = runs[name][0](states[name], batch)
            seconds[name].append(time.perf_counter() - started)
            jax.block_until_ready(states[name])
    return {name: calls[WARM_UP:] for name, calls in seconds.items()}


def measure() -> list[Figure]:
    """The two compiled steps held against each other, then called in turn."""
    host_batch = next(text_batches(BATCH, SEQ, 1))
    program = read_program(linen_decoder(CONFIG, constrain), next_token_loss, host_batch, optimizer=OPTIMIZER)
    partitioner = make_partitioner(program, "fsdp_tp_sp", "fsdp=2,tensor=4")
    batch = partitioner.place(host_batch)
    runs = {
        "axisrules": (partitioner.train_step(), partitioner.init(jax.random.key(0))),
        "by hand": by_hand(partitioner.mesh, host_batch),
    }
    compiled = {name: step.lower(state, batch).compile() for name, (step, state) in runs.items()}
    ours, theirs = (collectives(compiled[name].as_text()) for name in runs)
    temporaries = {name: c.memory_analysis().temp_size_in_bytes for name, c in compiled.items()}
    moved = {
        name: sum(b[2] * n for b, n in found.items())
        for name, found in zip(runs, (ours, theirs), strict=True)
    }
    mine, hand = dispatch_seconds(runs, batch).values()
    ratio = statistics.median(a / b for a, b in zip(mine, hand, strict=True))
    return [
        Figure("collectives in the compiled step, axisrules", ours.total()),
        Figure("collectives in the compiled step, by hand", theirs.total()),
        Figure(
            "collectives that only one of them has", ((ours - theirs) + (theirs - ours)).total(), at_most=0
        ),
        Figure(
            "bytes of collectives, axisrules over by hand",
            moved["axisrules"] / moved["by hand"],
            "x",
            at_most=1,
        ),
        Figure("temporaries, axisrules", temporaries["axisrules"], "bytes"),
        Figure("temporaries, by hand", temporaries["by hand"], "bytes", at_least=temporaries["axisrules"]),
        Figure("dispatch, axisrules, median of 2,000 calls", 1e6 * statistics.median(mine), "us"),
        Figure("dispatch, by hand, median of 2,000 calls", 1e6 * statistics.median(hand), "us"),
        Figure("dispatch, ratio, median of 2,000 pairs of calls", ratio, "x", at_most=1.02),
    ]


if __name__ == "__main__":
    use_virtual_devices(8)
    sys.exit(publish("dispatch", measure()))
