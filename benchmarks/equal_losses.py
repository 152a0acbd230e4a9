"""Every layout trains alike: the same first parameters bit for bit, the same losses up to rounding.

python -m benchmarks.equal_losses
"""

import sys
from dataclasses import replace
from typing import Any

import jax
import numpy as np
import optax

from axisrules import constrain, make_partitioner, read_program, use_virtual_devices
from axisrules.models import DecoderConfig, linen_decoder, next_token_loss, text_batches
from benchmarks.plain_training import plain_init, plain_step
from benchmarks.report import Figure, publish

CONFIG = DecoderConfig(embed=64, heads=4, kv_heads=4, head_dim=16, mlp=128, layers=2)
BATCH, SEQ, STEPS = 8, 32, 10
OPTIMIZER = optax.adamw(1e-3)
TOLERANCE = {"float32": 1e-5, "bfloat16": 2e-3}

LAYOUTS = (
    ("dp", "data=8"),
    ("zero1", "data=8"),
    ("zero2", "data=8"),
    ("zero3", "data=8"),
    ("fsdp", "fsdp=8"),
    ("tp", "data=2,tensor=4"),
    ("tp", "data=4,tensor=2"),
    ("tp_sp", "data=2,tensor=4"),
    ("fsdp_tp", "fsdp=2,tensor=4"),
    ("fsdp_tp_sp", "fsdp=2,tensor=4"),
    ("fsdp_tp_sp", "fsdp=4,tensor=2"),
    ("context", "data=2,context=4"),
    ("3d", "data=2,tensor=2,stage=2"),
)


def train(init: Any, step: Any, batches: list[Any]) -> tuple[Any, list[float]]:
    """The first parameters, on the host, and the loss of every step."""
    state = init(jax.random.key(0))
    params = jax.tree.map(np.asarray, state["params"] if isinstance(state, dict) else state.params)
    losses = []
    for batch in batches:
        state, metrics = step(state, batch)
        losses.append(float(metrics["loss"]))
    return params, losses


def one_dtype(dtype: str) -> list[Figure]:
    """Every layout beside an unsharded run on one device, computing in `dtype`."""
    config = replace(CONFIG, dtype=dtype)
    batches = list(text_batches(BATCH, SEQ, STEPS))
    plain = linen_decoder(config)
    init = jax.jit(plain_init(plain, OPTIMIZER, batches[0]["inputs"]))
    params, losses = train(init, jax.jit(plain_step(plain, OPTIMIZER)), batches)
    program = read_program(linen_decoder(config, constrain), next_token_loss, batches[0], optimizer=OPTIMIZER)
    figures, unequal = [], 0
    for rules, mesh in LAYOUTS:
        partitioner = make_partitioner(program, rules, mesh)
        placed = [partitioner.place(batch) for batch in batches]
        own_params, own_losses = train(partitioner.init, partitioner.train_step(), placed)
        unequal += not jax.tree.all(jax.tree.map(np.array_equal, own_params, params))
        difference = max(abs(a - b) / abs(b) for a, b in zip(own_losses, losses, strict=True))
        name = f"{dtype} {rules} on {mesh}: loss difference"
        figures.append(Figure(name, difference, at_most=TOLERANCE[dtype]))
    return [
        Figure(f"{dtype} loss at step 1, one device", losses[0]),
        Figure(f"{dtype} loss at step {STEPS}, one device", losses[-1], at_most=losses[0]),
        Figure(f"{dtype} layouts whose first parameters differ", unequal, at_most=0),
        *figures,
    ]


def measure() -> list[Figure]:
    """Both dtypes, all layouts."""
    return [Figure("layouts", len(LAYOUTS), at_least=9), *one_dtype("float32"), *one_dtype("bfloat16")]


if __name__ == "__main__":
    use_virtual_devices(8)
    sys.exit(publish("equal_losses", measure()))
