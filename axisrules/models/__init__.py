"""The built-in decoder in linen and in nnx, and the text it learns: plain Flax, nothing of axisrules."""

from axisrules.models.config import DECODER_SIZES, Constrain, DecoderConfig, unconstrained
from axisrules.models.linen_decoder import linen_decoder
from axisrules.models.nnx_decoder import nnx_decoder
from axisrules.models.text import next_token_loss, text_batches

__all__ = [
    "DECODER_SIZES",
    "Constrain",
    "DecoderConfig",
    "linen_decoder",
    "next_token_loss",
    "nnx_decoder",
    "text_batches",
    "unconstrained",
]
