"""The shape of the built-in decoder, the same for linen and for nnx."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import jax

# What a decoder calls on its activations: (array, "batch seq embed") -> array. The models know no
# sharding library, so whoever builds one passes the function in.
Constrain = Callable[[jax.Array, str], jax.Array]


def unconstrained(x: jax.Array, names: str) -> jax.Array:
    """`x` as it is: the choice of a model that runs under no layout."""
    del names
    return x


@dataclass(frozen=True)
class DecoderConfig:
    """Sizes of a decoder-only language model; the default has about 4.1 million parameters.

    `experts` of 0 gives every layer one gated MLP; more make it a mixture of that many, of which
    each token uses `experts_per_token`. Parameters are float32, `dtype` is what matmuls compute in.
    """

    vocab: int = 256
    embed: int = 256
    heads: int = 8
    kv_heads: int = 4
    head_dim: int = 32
    mlp: int = 1024
    layers: int = 4
    experts: int = 0
    experts_per_token: int = 2
    capacity_factor: float = 1.25
    dtype: str = "float32"
    rope_base: float = 10_000.0
    norm_epsilon: float = 1e-6

    def __post_init__(self) -> None:
        if self.heads % self.kv_heads:
            raise ValueError(f"heads={self.heads} is not a multiple of kv_heads={self.kv_heads}")
        if self.head_dim % 2:
            raise ValueError(f"head_dim={self.head_dim} is odd; rotary positions turn pairs of features")
        if self.experts and not 0 < self.experts_per_token <= self.experts:
            wanted = f"experts_per_token={self.experts_per_token}"
            raise ValueError(f"{wanted} is not within 1 to experts={self.experts}")

    def capacity(self, seq: int) -> int:
        """Tokens that one expert takes of one sequence of `seq` tokens; the rest pass it by."""
        even_share = seq * self.experts_per_token / self.experts
        return min(seq, math.ceil(even_share * self.capacity_factor))


# Shapes of well-known decoders, by their size in parameters; "4M" is the default, small enough to train here.
# Source: Touvron et al. 2023, "Llama 2", table 1 and appendix; Llama 3.2 1B's model card.
DECODER_SIZES = {
    "4M": DecoderConfig(),
    "1B": DecoderConfig(128_256, 2048, 32, 8, 64, 8192, 16, dtype="bfloat16"),
    "7B": DecoderConfig(32_000, 4096, 32, 32, 128, 11_008, 32, dtype="bfloat16"),
    "70B": DecoderConfig(32_000, 8192, 64, 8, 128, 28_672, 80, dtype="bfloat16"),
}
