"""Remat policies on a decoder of 12 layers: temporaries and FLOPs, compiled here and for a TPU v5e.

python -m benchmarks.memory_policies
"""

import sys
from dataclasses import replace

import jax
import optax

from axisrules import compare, constrain, load_rules, read_program, use_virtual_devices
from axisrules.models import DecoderConfig, linen_decoder, next_token_loss, nnx_decoder
from axisrules.rules import parse_training
from benchmarks.report import Figure, publish

CONFIG = DecoderConfig(embed=128, heads=4, kv_heads=4, head_dim=32, mlp=512, layers=12)
BATCH, SEQ = 16, 256
TARGETS = {"local": "data=8", "tpu:v5e:2x4": "data=8"}
POLICIES = {
    "none": "none",
    "attention": "attention",
    "full": "full",
    "every 2 layers": {"recompute": "full", "every": 2},
    "full, MLPs saved": {"recompute": "full", "save": "batch seq mlp"},
}
BUILDERS = {"linen": linen_decoder, "nnx": nnx_decoder}


def costs(api: str, target: str) -> dict[str, tuple[int, float]]:
    """Temporaries in bytes and FLOPs of one device and step, for every policy."""
    tokens = jax.ShapeDtypeStruct((BATCH, SEQ), "int32")
    batch = {"inputs": tokens, "targets": tokens}
    program = read_program(
        BUILDERS[api](CONFIG, constrain), next_token_loss, batch, optimizer=optax.adamw(1e-3)
    )
    tables = [
        replace(load_rules("dp") | parse_training({"remat": policy}), name=name)
        for name, policy in POLICIES.items()
    ]
    rows = compare(program, tables, [target], mesh=TARGETS[target]).rows
    assert all(row.error is None for row in rows), [row.error for row in rows]
    return {row.rules: (row.temporary_bytes or 0, row.flops or 0.0) for row in rows}


def measure() -> list[Figure]:
    """Shares of what a step costs that recomputes nothing."""
    figures = []
    for api in BUILDERS:
        for target in TARGETS:
            found = costs(api, target)
            where = f"{api}, {target}"
            whole_bytes, whole_flops = found["none"]
            figures.append(Figure(f"{where}: temporaries, nothing recomputed", whole_bytes, "bytes"))
            figures.append(Figure(f"{where}: FLOPs, nothing recomputed", whole_flops, "FLOP"))
            shares = {name: (kept / whole_bytes, done / whole_flops) for name, (kept, done) in found.items()}
            full_bytes, full_flops = shares["full"]
            limits = {
                "full": {"temporaries": {"at_most": 0.35}, "FLOPs": {"at_most": 1.35}},
                "attention": {
                    "temporaries": {"at_least": full_bytes, "at_most": 1},
                    "FLOPs": {"at_least": 1, "at_most": full_flops},
                },
            }
            for name, pair in list(shares.items())[1:]:
                for what, share in zip(("temporaries", "FLOPs"), pair, strict=True):
                    kept_within = limits.get(name, {}).get(what, {})
                    figures.append(Figure(f"{where}: {what}, {name}", share, "x", **kept_within))
    return figures


if __name__ == "__main__":
    use_virtual_devices(8)
    sys.exit(publish("memory_policies", measure()))
