"""The built-in decoder in Flax linen, annotated with plain Flax metadata."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from axisrules.models.config import Constrain, DecoderConfig, unconstrained
from axisrules.models.layers import causal_attention, embed_tokens, mix_experts, rms_norm, rotate


def linen_decoder(config: DecoderConfig, constrain: Constrain = unconstrained) -> nn.Module:
    """The decoder as a linen module: tokens int32 [batch, seq] to float32 logits [batch, seq, vocab]."""
    return Decoder(config, constrain)


class Decoder(nn.Module):
    """Embedding, a scanned stack of blocks, and a projection to the vocabulary."""

    config: DecoderConfig
    constrain: Constrain

    @nn.compact
    def __call__(self, tokens: jax.Array) -> jax.Array:
        c = self.config
        table = self.param("embedding", _kernel((), (0,), "vocab", "embed"), (c.vocab, c.embed))
        x = self.constrain(embed_tokens(tokens, table, c.dtype, self.constrain), "batch seq embed")
        stack = nn.scan(
            Block,
            variable_axes={"params": 0},
            split_rngs={"params": True},
            length=c.layers,
            metadata_params={nn.PARTITION_NAME: "layers"},
        )
        x, _ = stack(c, self.constrain, name="layers")(x, None)
        x = Norm(c, name="final_norm")(x)
        head = self.param("head", _kernel((0,), (1,), "embed", "vocab"), (c.embed, c.vocab))
        logits = jnp.einsum("bse,ev->bsv", x, head.astype(c.dtype)).astype(jnp.float32)
        return self.constrain(logits, "batch seq vocab")


class Block(nn.Module):
    """One layer: attention, then a gated MLP or a mixture of them, each added to the residual."""

    config: DecoderConfig
    constrain: Constrain

    @nn.compact
    def __call__(self, x: jax.Array, _: None) -> tuple[jax.Array, None]:
        c = self.config
        normed = self.constrain(Norm(c, name="attention_norm")(x), "batch seq embed")
        x = x + Attention(c, self.constrain, name="attention")(normed)
        x = self.constrain(x, "batch seq embed")
        feed_forward = Experts if c.experts else Mlp
        normed = self.constrain(Norm(c, name="mlp_norm")(x), "batch seq embed")
        x = x + feed_forward(c, self.constrain, name="mlp")(normed)
        return self.constrain(x, "batch seq embed"), None


class Norm(nn.Module):
    """RMSNorm with a scale per feature."""

    config: DecoderConfig

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        ones: Any = nn.with_logical_partitioning(nn.initializers.ones_init(), ("embed",))
        scale = self.param("scale", ones, (self.config.embed,))
        return rms_norm(x, scale, self.config.norm_epsilon)


class Attention(nn.Module):
    """Causal attention with rotary positions, several query heads to a key and value head."""

    config: DecoderConfig
    constrain: Constrain

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        query = rotate(self.project(x, "query", "heads", self.config.heads), self.config.rope_base)
        key = rotate(self.project(x, "key", "kv_heads", self.config.kv_heads), self.config.rope_base)
        value = self.project(x, "value", "kv_heads", self.config.kv_heads)
        mixed = self.constrain(causal_attention(query, key, value), "batch seq heads head_dim")
        shape = (self.config.heads, self.config.head_dim, self.config.embed)
        out = self.param("out", _kernel((0, 1), (2,), "heads", "head_dim", "embed"), shape)
        return jnp.einsum("bshd,hde->bse", mixed, out.astype(x.dtype))

    def project(self, x: jax.Array, name: str, heads_axis: str, heads: int) -> jax.Array:
        """`x` [batch, seq, embed] as [batch, seq, heads, head_dim]."""
        init = _kernel((0,), (1, 2), "embed", heads_axis, "head_dim")
        kernel = self.param(name, init, (self.config.embed, heads, self.config.head_dim))
        projected = jnp.einsum("bse,ehd->bshd", x, kernel.astype(x.dtype))
        return self.constrain(projected, f"batch seq {heads_axis} head_dim")


class Mlp(nn.Module):
    """A gated MLP: down(silu(gate(x)) * up(x))."""

    config: DecoderConfig
    constrain: Constrain

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        c = self.config
        gate = self.param("gate", _kernel((0,), (1,), "embed", "mlp"), (c.embed, c.mlp))
        up = self.param("up", _kernel((0,), (1,), "embed", "mlp"), (c.embed, c.mlp))
        down = self.param("down", _kernel((0,), (1,), "mlp", "embed"), (c.mlp, c.embed))
        gated = nn.silu(x @ gate.astype(x.dtype)) * (x @ up.astype(x.dtype))
        return self.constrain(gated, "batch seq mlp") @ down.astype(x.dtype)


class Experts(nn.Module):
    """A mixture of gated MLPs: each token goes to the few that the router picks."""

    config: DecoderConfig
    constrain: Constrain

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        c = self.config
        router = self.param("router", _kernel((0,), (1,), "embed", "experts"), (c.embed, c.experts))
        into = _kernel((1,), (2,), "experts", "embed", "mlp")
        back = _kernel((1,), (2,), "experts", "mlp", "embed")
        gate = self.param("gate", into, (c.experts, c.embed, c.mlp))
        up = self.param("up", into, (c.experts, c.embed, c.mlp))
        down = self.param("down", back, (c.experts, c.mlp, c.embed))
        return mix_experts(x, router, (gate, up, down), c, self.constrain)


def _kernel(fan_in: tuple[int, ...], fan_out: tuple[int, ...], *names: str) -> Any:
    """An initializer of variance 1 / (product of the `fan_in` dims), with a logical axis per dim."""
    batched = tuple(dim for dim in range(len(names)) if dim not in fan_in + fan_out)
    init = nn.initializers.variance_scaling(
        1.0, "fan_in", "truncated_normal", in_axis=fan_in, out_axis=fan_out, batch_axis=batched
    )
    return nn.with_logical_partitioning(init, names)
