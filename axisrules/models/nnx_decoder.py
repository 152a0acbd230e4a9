"""The built-in decoder in Flax nnx: the same function and the same paths as in linen."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from axisrules.models.config import Constrain, DecoderConfig, unconstrained
from axisrules.models.layers import causal_attention, embed_tokens, mix_experts, rms_norm, rotate

Build = Callable[[nnx.Rngs], nnx.Module]
STACKED = {nnx.PARTITION_NAME: "layers"}


def nnx_decoder(config: DecoderConfig, constrain: Constrain = unconstrained) -> Build:
    """A constructor of the decoder as an nnx module.

    It maps tokens int32 [batch, seq] to float32 logits [batch, seq, vocab].
    """

    def build(rngs: nnx.Rngs) -> nnx.Module:
        # Eager sharding would take the logical axes of the annotations for mesh axes.
        with nnx.use_eager_sharding(False):
            return Decoder(config, constrain, rngs)

    return build


class Decoder(nnx.Module):
    """Embedding, a scanned stack of blocks, and a projection to the vocabulary."""

    def __init__(self, config: DecoderConfig, constrain: Constrain, rngs: nnx.Rngs) -> None:
        self.config, self.constrain = config, constrain
        vocab, embed = config.vocab, config.embed
        self.embedding = _param(rngs, (vocab, embed), ("vocab", "embed"), fan_in=(), fan_out=(0,))
        self.layers = _stack(config, constrain, rngs)
        self.final_norm = Norm(config)
        self.head = _param(rngs, (embed, vocab), ("embed", "vocab"))

    def __call__(self, tokens: jax.Array) -> jax.Array:
        dtype = self.config.dtype
        x = self.constrain(
            embed_tokens(tokens, self.embedding[...], dtype, self.constrain), "batch seq embed"
        )
        x = self.final_norm(_run(self.layers, x))
        logits = jnp.einsum("bse,ev->bsv", x, self.head[...].astype(dtype)).astype(jnp.float32)
        return self.constrain(logits, "batch seq vocab")


class Block(nnx.Module):
    """One layer: attention, then a gated MLP or a mixture of them, each added to the residual."""

    def __init__(self, config: DecoderConfig, constrain: Constrain, rngs: nnx.Rngs) -> None:
        self.constrain = constrain
        self.attention_norm = Norm(config)
        self.attention = Attention(config, constrain, rngs)
        self.mlp_norm = Norm(config)
        self.mlp = (Experts if config.experts else Mlp)(config, constrain, rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        normed = self.constrain(self.attention_norm(x), "batch seq embed")
        x = self.constrain(x + self.attention(normed), "batch seq embed")
        normed = self.constrain(self.mlp_norm(x), "batch seq embed")
        return self.constrain(x + self.mlp(normed), "batch seq embed")


class Norm(nnx.Module):
    """RMSNorm with a scale per feature."""

    def __init__(self, config: DecoderConfig) -> None:
        self.epsilon = config.norm_epsilon
        self.scale = nnx.Param(jnp.ones((config.embed,)), out_sharding=("embed",))

    def __call__(self, x: jax.Array) -> jax.Array:
        return rms_norm(x, self.scale[...], self.epsilon)


class Attention(nnx.Module):
    """Causal attention with rotary positions, several query heads to a key and value head."""

    def __init__(self, config: DecoderConfig, constrain: Constrain, rngs: nnx.Rngs) -> None:
        self.rope_base, self.constrain = config.rope_base, constrain
        embed, head_dim = config.embed, config.head_dim
        queries, keys = (embed, config.heads, head_dim), (embed, config.kv_heads, head_dim)
        self.query = _param(rngs, queries, ("embed", "heads", "head_dim"), fan_out=(1, 2))
        self.key = _param(rngs, keys, ("embed", "kv_heads", "head_dim"), fan_out=(1, 2))
        self.value = _param(rngs, keys, ("embed", "kv_heads", "head_dim"), fan_out=(1, 2))
        back = (config.heads, head_dim, embed)
        self.out = _param(rngs, back, ("heads", "head_dim", "embed"), fan_in=(0, 1), fan_out=(2,))

    def __call__(self, x: jax.Array) -> jax.Array:
        query = rotate(self.project(x, self.query, "heads"), self.rope_base)
        key = rotate(self.project(x, self.key, "kv_heads"), self.rope_base)
        value = self.project(x, self.value, "kv_heads")
        mixed = self.constrain(causal_attention(query, key, value), "batch seq heads head_dim")
        return jnp.einsum("bshd,hde->bse", mixed, self.out[...].astype(x.dtype))

    def project(self, x: jax.Array, kernel: nnx.Param[Any], heads_axis: str) -> jax.Array:
        """`x` [batch, seq, embed] as [batch, seq, heads, head_dim]."""
        projected = jnp.einsum("bse,ehd->bshd", x, kernel[...].astype(x.dtype))
        return self.constrain(projected, f"batch seq {heads_axis} head_dim")


class Mlp(nnx.Module):
    """A gated MLP: down(silu(gate(x)) * up(x))."""

    def __init__(self, config: DecoderConfig, constrain: Constrain, rngs: nnx.Rngs) -> None:
        self.constrain = constrain
        self.gate = _param(rngs, (config.embed, config.mlp), ("embed", "mlp"))
        self.up = _param(rngs, (config.embed, config.mlp), ("embed", "mlp"))
        self.down = _param(rngs, (config.mlp, config.embed), ("mlp", "embed"))

    def __call__(self, x: jax.Array) -> jax.Array:
        gate, up, down = (kernel[...].astype(x.dtype) for kernel in (self.gate, self.up, self.down))
        return self.constrain(nnx.silu(x @ gate) * (x @ up), "batch seq mlp") @ down


class Experts(nnx.Module):
    """A mixture of gated MLPs: each token goes to the few that the router picks."""

    def __init__(self, config: DecoderConfig, constrain: Constrain, rngs: nnx.Rngs) -> None:
        self.config, self.constrain = config, constrain
        into, back = (config.experts, config.embed, config.mlp), (config.experts, config.mlp, config.embed)
        self.router = _param(rngs, (config.embed, config.experts), ("embed", "experts"))
        self.gate = _param(rngs, into, ("experts", "embed", "mlp"), fan_in=(1,), fan_out=(2,))
        self.up = _param(rngs, into, ("experts", "embed", "mlp"), fan_in=(1,), fan_out=(2,))
        self.down = _param(rngs, back, ("experts", "mlp", "embed"), fan_in=(1,), fan_out=(2,))

    def __call__(self, x: jax.Array) -> jax.Array:
        kernels = (self.gate[...], self.up[...], self.down[...])
        return mix_experts(x, self.router[...], kernels, self.config, self.constrain)


def _stack(config: DecoderConfig, constrain: Constrain, rngs: nnx.Rngs) -> Block:
    """`config.layers` blocks as one, every array with a leading dim named "layers"."""

    @nnx.split_rngs(splits=config.layers)
    @nnx.vmap(in_axes=0, out_axes=0, transform_metadata=STACKED)
    def build(rngs: nnx.Rngs) -> Block:
        return Block(config, constrain, rngs)

    return build(rngs)


@nnx.scan(in_axes=(0, nnx.Carry), out_axes=nnx.Carry, transform_metadata=STACKED)
def _run(block: Block, x: jax.Array) -> jax.Array:
    return block(x)


def _param(
    rngs: nnx.Rngs,
    shape: tuple[int, ...],
    names: tuple[str, ...],
    *,
    fan_in: tuple[int, ...] = (0,),
    fan_out: tuple[int, ...] = (1,),
) -> nnx.Param[Any]:
    """A parameter of variance 1 / (product of the `fan_in` dims), with a logical axis per dim."""
    batched = tuple(dim for dim in range(len(shape)) if dim not in fan_in + fan_out)
    init = nnx.initializers.variance_scaling(
        1.0, "fan_in", "truncated_normal", in_axis=fan_in, out_axis=fan_out, batch_axis=batched
    )
    return nnx.Param(init(rngs.params(), shape, jnp.float32), out_sharding=names)
