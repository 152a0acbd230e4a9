"""The program that the benchmarks of described and of real hardware have in common."""

import jax
import optax

from axisrules import constrain, read_program
from axisrules.adapters import Program
from axisrules.models import DecoderConfig, linen_decoder, next_token_loss


def decoder_program(config: DecoderConfig, batch: int, seq: int) -> Program:
    """The training step of the built-in decoder with adamw, on batches of that shape."""
    tokens = jax.ShapeDtypeStruct((batch, seq), "int32")
    return read_program(
        linen_decoder(config, constrain),
        next_token_loss,
        {"inputs": tokens, "targets": tokens},
        optimizer=optax.adamw(1e-3),
        batch_axes={"inputs": "batch seq", "targets": "batch seq"},
    )
