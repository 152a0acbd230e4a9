"""Initialising under fsdp on eight devices: no buffer larger than an eighth of the largest parameter.

python -m benchmarks.sharded_init
"""

import sys

import jax
import numpy as np
import optax

from axisrules import constrain, make_partitioner, read_program, use_virtual_devices
from axisrules.models import DecoderConfig, linen_decoder, next_token_loss, text_batches
from benchmarks.hlo import buffers
from benchmarks.plain_training import plain_init
from benchmarks.report import Figure, publish

DEVICES = 8
OPTIMIZER = optax.adamw(1e-3)


def measure() -> list[Figure]:
    """Buffers as the compiled HLO has them, and values as an unsharded init gives them."""
    batch = next(text_batches(8, 128, 1))
    key = jax.random.key(0)
    program = read_program(
        linen_decoder(DecoderConfig(), constrain), next_token_loss, batch, optimizer=OPTIMIZER
    )
    partitioner = make_partitioner(program, "fsdp", f"fsdp={DEVICES}")
    hlo_text = jax.jit(partitioner.init).lower(key).compile().as_text()
    largest_buffer = max(size for _, _, size in buffers(hlo_text))
    sizes = [shape.size * shape.dtype.itemsize for shape in jax.tree.leaves(program.params)]

    unsharded = jax.jit(plain_init(linen_decoder(DecoderConfig()), OPTIMIZER, batch["inputs"]))(key)["params"]
    sharded = partitioner.init(key).params
    equal = jax.tree.map(lambda a, b: np.array_equal(np.asarray(a), np.asarray(b)), sharded, unsharded)
    return [
        Figure("parameters", sum(sizes) // 4),
        Figure("largest parameter", max(sizes), "bytes"),
        Figure("largest buffer in the compiled init", largest_buffer, "bytes", at_most=max(sizes) / DEVICES),
        Figure(
            "parameters that differ from an unsharded init", jax.tree.leaves(equal).count(False), at_most=0
        ),
    ]


if __name__ == "__main__":
    use_virtual_devices(DEVICES)
    sys.exit(publish("sharded_init", measure()))
