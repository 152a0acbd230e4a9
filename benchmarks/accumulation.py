"""Gradients accumulated over microbatches: equal, flat in memory, and reduced over data once.

python -m benchmarks.accumulation
"""

import sys
from dataclasses import replace
from typing import Any

import jax
import numpy as np
import optax

from axisrules import compare, constrain, load_rules, make_partitioner, read_program, use_virtual_devices
from axisrules.adapters import Program
from axisrules.models import DecoderConfig, linen_decoder, next_token_loss, nnx_decoder, text_batches
from axisrules.rules import RuleTable, parse_training
from benchmarks.report import Figure, publish

# Small enough to run on CPU devices.
SMALL, SMALL_BATCH = DecoderConfig(embed=64, heads=4, kv_heads=4, head_dim=16, mlp=256, layers=2), (128, 64)
# Compiled alone; a TPU keeps the whole of a smaller one outside of its main memory.
LARGE, LARGE_BATCH = DecoderConfig(layers=4), (256, 256)
MESH = "data=8"
COUNTS = (1, 2, 4, 8)
BUILDERS = {"linen": linen_decoder, "nnx": nnx_decoder}


def table(count: int) -> RuleTable:
    """Data parallelism, with so many microbatches."""
    return replace(load_rules("dp") | parse_training({"accumulate": count}), name=str(count))


def gradients(program: Program, count: int, batch: Any) -> list[np.ndarray]:
    """The gradients of one step: an optimizer that keeps nothing else has them as its state."""
    partitioner = make_partitioner(program, table(count), MESH)
    state, _ = partitioner.train_step()(partitioner.init(jax.random.key(0)), partitioner.place(batch))
    return [np.asarray(leaf) for leaf in jax.tree.leaves(state.opt_state)]


def largest_difference(found: list[np.ndarray], wanted: list[np.ndarray]) -> float:
    """Over all arrays, the largest difference over the largest number of the array."""
    pairs = zip(found, wanted, strict=True)
    return max(float(np.max(np.abs(a - b)) / np.max(np.abs(b))) for a, b in pairs)


def equality(api: str, program: Program, batch: Any) -> list[Figure]:
    """How far the gradients lie from those of the whole batch."""
    wanted = gradients(program, 1, batch)
    return [
        Figure(
            f"{api}, {count} microbatches: gradients' difference",
            largest_difference(gradients(program, count, batch), wanted),
            at_most=1e-6,
        )
        for count in COUNTS[1:]
    ]


def compiled(api: str, program: Program, target: str) -> list[Figure]:
    """Temporaries over those of the whole batch, and all-reduces over data, loops counted."""
    rows = compare(program, [table(count) for count in COUNTS], [target], mesh=MESH).rows
    assert all(row.error is None for row in rows), [row.error for row in rows]
    whole = rows[0].temporary_bytes or 1
    figures = [Figure(f"{api}, {target}: temporaries of the whole batch", whole, "bytes")]
    for count, row in zip(COUNTS[1:], rows[1:], strict=True):
        where = f"{api}, {target}, {count} microbatches"
        share = (row.temporary_bytes or 0) / whole
        figures.append(
            Figure(f"{where}: temporaries", share, "x", at_most=0.2 if count == COUNTS[-1] else None)
        )
        assert row.ledger is not None, "a step that compiled has its ledger"
        made = row.ledger.only(mesh_axis="data").count
        figures.append(Figure(f"{where}: collectives over data", made, at_least=1, at_most=1))
    return figures


def program_of(api: str, config: DecoderConfig, shape: tuple[int, int]) -> Program:
    """The decoder with an optimizer that keeps the gradient and nothing else."""
    tokens = jax.ShapeDtypeStruct(shape, "int32")
    batch = {"inputs": tokens, "targets": tokens}
    model = BUILDERS[api](config, constrain)
    return read_program(model, next_token_loss, batch, optimizer=optax.trace(0.0))


def measure() -> list[Figure]:
    """Both model APIs, here and for a TPU v5e."""
    figures = []
    for api in BUILDERS:
        small = program_of(api, SMALL, SMALL_BATCH)
        figures += equality(api, small, next(text_batches(*SMALL_BATCH, 1)))
        figures += compiled(api, small, "local")
        figures += compiled(api, program_of(api, LARGE, LARGE_BATCH), "tpu:v5e:2x4")
    return figures


if __name__ == "__main__":
    use_virtual_devices(8)
    sys.exit(publish("accumulation", measure()))
