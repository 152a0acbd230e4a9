"""Seconds to infer the axes of Llama-3-8B and 70B, layers unrolled, from their shapes alone.

python -m benchmarks.infer_speed
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from axisrules import use_virtual_devices
from axisrules.infer import Inference, Seed, Traced, name_axes, trace, unify
from benchmarks.report import Figure, publish


@dataclass(frozen=True)
class Size:
    """The sizes of a Llama. Source: Grattafiori et al. 2024, "The Llama 3 Herd of Models", table 3."""

    layers: int
    embed: int
    heads: int
    mlp: int
    kv_heads: int = 8
    head_dim: int = 128
    vocab: int = 128_256


LLAMA_8B = Size(layers=32, embed=4096, heads=32, mlp=14_336)
LLAMA_70B = Size(layers=80, embed=8192, heads=64, mlp=28_672)
BATCH, SEQ = 2, 4096

SEEDS = (
    Seed("inputs", "", ("batch", "seq")),
    Seed("params", "embedding", ("vocab", "embed")),
    Seed("params", "head", ("embed", "vocab")),
    Seed("params", "layers/0/query", ("embed", "heads", "head_dim")),
    Seed("params", "layers/0/key", ("embed", "kv_heads", "head_dim")),
    Seed("params", "layers/0/value", ("embed", "kv_heads", "head_dim")),
    Seed("params", "layers/0/gate", ("embed", "mlp")),
)
LAYER = {
    "query": "embed heads head_dim",
    "key": "embed kv_heads head_dim",
    "value": "embed kv_heads head_dim",
    "out": "heads head_dim embed",
    "gate": "embed mlp",
    "up": "embed mlp",
    "down": "mlp embed",
    "attention_norm": "embed",
    "mlp_norm": "embed",
}


def shapes(size: Size) -> dict[str, Any]:
    """The parameters of a Llama, as shapes in bfloat16."""

    def shape(names: str) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(tuple(getattr(size, name) for name in names.split()), jnp.bfloat16)

    layer = {name: shape(names) for name, names in LAYER.items()}
    return {
        "embedding": shape("vocab embed"),
        "head": shape("embed vocab"),
        "norm": shape("embed"),
        "layers": [dict(layer) for _ in range(size.layers)],
    }


def logits(params: dict[str, Any], tokens: jax.Array) -> jax.Array:
    """Tokens [batch, seq] to logits [batch, seq, vocab]."""
    x = params["embedding"][tokens]
    for layer in params["layers"]:
        x = x + attention(layer, rms_norm(x, layer["attention_norm"]))
        hidden = rms_norm(x, layer["mlp_norm"])
        x = x + (jax.nn.silu(hidden @ layer["gate"]) * (hidden @ layer["up"])) @ layer["down"]
    return rms_norm(x, params["norm"]) @ params["head"]


def attention(layer: dict[str, Any], x: jax.Array) -> jax.Array:
    """Causal attention with rotary positions, every key head repeated for its group of query heads."""
    query, key, value = (jnp.einsum("bse,ehd->bshd", x, layer[name]) for name in ("query", "key", "value"))
    query, key = rotate(query), rotate(key)
    key, value = (jnp.repeat(y, query.shape[2] // y.shape[2], axis=2) for y in (key, value))
    scores = jnp.einsum("bshd,bthd->bhst", query, key).astype(jnp.float32) * query.shape[-1] ** -0.5
    position = jnp.arange(x.shape[1])
    scores = jnp.where(position[:, None] >= position, scores, -jnp.inf)
    weights = jax.nn.softmax(scores).astype(value.dtype)
    return jnp.einsum("bhst,bthd,hde->bse", weights, value, layer["out"])


def rotate(x: jax.Array) -> jax.Array:
    """Rotary positions on x [batch, seq, heads, head_dim]."""
    half = x.shape[-1] // 2
    frequency = 500_000.0 ** (-jnp.arange(half) / half)
    angle = (jnp.arange(x.shape[1])[:, None] * frequency)[:, None, :]
    first, second = jnp.split(x, 2, axis=-1)
    cos, sin = jnp.cos(angle).astype(x.dtype), jnp.sin(angle).astype(x.dtype)
    return jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def rms_norm(x: jax.Array, scale: jax.Array) -> jax.Array:
    """X over its root mean square along the last dim, times `scale`."""
    wide = x.astype(jnp.float32)
    wide = wide * jax.lax.rsqrt(jnp.mean(wide * wide, axis=-1, keepdims=True) + 1e-5)
    return wide.astype(x.dtype) * scale


def loss(params: dict[str, Any], tokens: jax.Array) -> jax.Array:
    """The mean cross entropy of the next token."""
    log_probabilities = jax.nn.log_softmax(logits(params, tokens).astype(jnp.float32))
    return -jnp.mean(jnp.take_along_axis(log_probabilities[:, :-1], tokens[:, 1:, None], axis=-1))


def traced(function: Callable[..., Any], size: Size) -> tuple[float, Traced]:
    """Seconds to trace, and the trace."""
    started = time.perf_counter()
    tokens = jax.ShapeDtypeStruct((BATCH, SEQ), jnp.int32)
    found = trace(function, {"params": shapes(size), "inputs": tokens})
    return time.perf_counter() - started, found


def inferred(program: Traced) -> tuple[float, Inference]:
    """The shortest of three runs from jaxpr to names, and the names."""
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        found = name_axes(unify(program), SEEDS)
        seconds.append(time.perf_counter() - started)
    return min(seconds), found


def wrong_or_missing(found: Inference) -> int:
    """Parameters whose names are not those that the model was written with."""
    truth = {"embedding": "vocab embed", "head": "embed vocab", "norm": "embed"}
    params = found.of_kind("params")
    return sum(
        array.sure_names != tuple(truth.get(path, LAYER.get(path.rsplit("/", 1)[-1], "")).split())
        for path, array in params.items()
    )


def figures(name: str, function: Callable[..., Any], size: Size, at_most: float) -> list[Figure]:
    """What one program takes, and whether its parameters got their names."""
    trace_seconds, program = traced(function, size)
    seconds, found = inferred(program)
    return [
        Figure(f"{name}: equations at the top", len(program.jaxpr.eqns)),
        Figure(f"{name}: parameters", len(found.of_kind("params"))),
        Figure(f"{name}: tracing", trace_seconds, "s"),
        Figure(f"{name}: inference", seconds, "s", at_most=at_most),
        Figure(f"{name}: parameters not named as written", wrong_or_missing(found), at_most=0),
    ]


if __name__ == "__main__":
    use_virtual_devices(1)
    sys.exit(
        publish(
            "infer_speed",
            [
                *figures("8B", logits, LLAMA_8B, 0.5),
                *figures("8B, gradient", jax.grad(loss), LLAMA_8B, 3.0),
                *figures("70B, 80 layers unrolled", logits, LLAMA_70B, 3.0),
            ],
        )
    )
