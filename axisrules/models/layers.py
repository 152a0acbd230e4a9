"""What both decoders compute: pure functions of arrays, written so that XLA can cut every dim.

Shapes in brackets: b batch, s sequence, v vocab, e embed, h heads, k kv heads, g heads per kv head,
d head_dim, x experts, c capacity.
"""

import jax
import jax.numpy as jnp

from axisrules.models.config import Constrain, DecoderConfig, unconstrained


def embed_tokens(
    tokens: jax.Array, table: jax.Array, dtype: str, constrain: Constrain = unconstrained
) -> jax.Array:
    """Rows of `table` [v, e] for `tokens` [b, s]: [b, s, e].

    A matmul with a one-hot, not a gather: XLA cuts a matmul along vocab or embed alike, forward and
    backward, where the scatter that a gather's gradient needs would make it replicate the table.
    With a vocabulary of bytes its cost is that of one small projection. The one-hot is laid out like
    logits: where the vocabulary is cut, devices then send partial rows, and not the table.
    """
    one_hot = constrain(jax.nn.one_hot(tokens, table.shape[0], dtype=dtype), "batch seq vocab")
    return jnp.einsum("bsv,ve->bse", one_hot, table.astype(dtype))


def rms_norm(x: jax.Array, scale: jax.Array, epsilon: float) -> jax.Array:
    """`x` [..., e] over its root mean square, times `scale` [e]; computed in float32."""
    wide = x.astype(jnp.float32)
    mean_square = jnp.mean(jnp.square(wide), axis=-1, keepdims=True)
    return (wide * jax.lax.rsqrt(mean_square + epsilon) * scale).astype(x.dtype)


def rotate(x: jax.Array, base: float) -> jax.Array:
    """Rotary positions 0 to s-1 on `x` [b, s, h, d], turning feature i with feature i + d/2.

    Source: Su et al. 2021, "RoFormer", section 3.2.
    """
    half = x.shape[-1] // 2
    frequency = base ** (-jnp.arange(half, dtype=jnp.float32) / half)
    angle = jnp.arange(x.shape[1], dtype=jnp.float32)[:, None, None] * frequency
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    first, second = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    turned = jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)
    return turned.astype(x.dtype)


def causal_attention(query: jax.Array, key: jax.Array, value: jax.Array) -> jax.Array:
    """Softmax attention of `query` [b, s, h, d] over `key` and `value` [b, s, k, d]: [b, s, h, d].

    Heads are split into (k, g) in place, so that a cut of heads is a cut of kv heads and k and v
    are never repeated. The softmax is in float32.
    """
    batch, seq, heads, head_dim = query.shape
    grouped = query.reshape(batch, seq, key.shape[2], heads // key.shape[2], head_dim)
    scores = jnp.einsum("bskgd,btkd->bkgst", grouped, key).astype(jnp.float32) * head_dim**-0.5
    position = jnp.arange(seq)
    scores = jnp.where(position[:, None] >= position, scores, jnp.finfo(jnp.float32).min)
    weights = jax.nn.softmax(scores, axis=-1).astype(value.dtype)
    return jnp.einsum("bkgst,btkd->bskgd", weights, value).reshape(query.shape)


def mix_experts(
    x: jax.Array,
    router: jax.Array,
    kernels: tuple[jax.Array, jax.Array, jax.Array],
    config: DecoderConfig,
    constrain: Constrain,
) -> jax.Array:
    """Each token of `x` [b, s, e] through the gated MLPs that `router` [e, x] picks for it: [b, s, e].

    `kernels` are gate and up [x, e, m] and down [x, m, e]. Tokens travel to their experts and back by
    einsum: on a mesh that cuts both batch and experts, XLA makes these the two all-to-alls.
    """
    gate, up, down = (kernel.astype(x.dtype) for kernel in kernels)
    logits = jnp.einsum("bse,ex->bsx", x.astype(jnp.float32), router)
    dispatch, combine = route(logits, config.experts_per_token, config.capacity(x.shape[1]))
    sent = jnp.einsum("bsxc,bse->xbce", dispatch.astype(x.dtype), x)
    sent = constrain(sent, "experts batch capacity embed")
    gated = jax.nn.silu(jnp.einsum("xbce,xem->xbcm", sent, gate)) * jnp.einsum("xbce,xem->xbcm", sent, up)
    gated = constrain(gated, "experts batch capacity mlp")
    returned = constrain(jnp.einsum("xbcm,xme->xbce", gated, down), "experts batch capacity embed")
    return jnp.einsum("bsxc,xbce->bse", combine.astype(x.dtype), returned)


def route(logits: jax.Array, experts_per_token: int, capacity: int) -> tuple[jax.Array, jax.Array]:
    """Which token goes to which place of which expert, and with what weight: two [b, s, x, c].

    The first is 0 or 1, the second is the first times the gate. Each token asks for its
    `experts_per_token` likeliest experts; an expert takes a sequence's tokens in order until its
    `capacity` is full, so that no token is sent away for the sake of a later one. Dense one-hots
    instead of sorts and scatters, so that XLA can cut the experts' dim. `logits` is [b, s, x] in float32.

    Source: Lepikhin et al. 2020, "GShard", section 2.2; there first choices go before all second ones.
    """
    batch, seq, experts = logits.shape
    gates, choice = jax.lax.top_k(jax.nn.softmax(logits, axis=-1), experts_per_token)
    gates = gates / jnp.sum(gates, axis=-1, keepdims=True)
    chosen = jax.nn.one_hot(choice, experts)
    queue = chosen.reshape(batch, seq * experts_per_token, experts)
    ahead = (jnp.cumsum(queue, axis=1) - queue).reshape(chosen.shape)
    place = jnp.sum(ahead * chosen, axis=-1).astype(jnp.int32)
    # A place beyond the capacity is a row of zeros in the one-hot: the token passes the expert by.
    places = jax.nn.one_hot(place, capacity)
    dispatch = jnp.einsum("bsnx,bsnc->bsxc", chosen, places)
    combine = jnp.einsum("bsn,bsnx,bsnc->bsxc", gates, chosen, places)
    return dispatch, combine
