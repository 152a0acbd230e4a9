"""Resolving large trees: 100,000 leaves beside Flax's own resolver, and 100,000 rules.

python -m benchmarks.resolve_speed
"""

import gc
import sys
import time
from collections.abc import Callable
from typing import Any

from flax import linen as nn
from jax.sharding import NamedSharding, PartitionSpec

from axisrules import from_flax_rules, make_mesh, make_plan, parse_mesh, use_virtual_devices
from axisrules.partition import named_sharding
from axisrules.resolve import Leaf, Plan
from axisrules.rules import Kind
from benchmarks.report import Figure, publish

LEAF_COUNT = 100_000
MESH = (
    "diloco=1,data=2,stage=1,fsdp=2,fsdp_transpose=1,context=1,context_ring=1,"
    "tensor=2,tensor_sequence=1,expert=1,autoregressive=1,replica=1"
)
MESH_AXES = tuple(parse_mesh(MESH).shape)

# One block of a decoder with a mixture of experts: path, logical axes, shape.
BLOCK = (
    ("attention/query", "embed heads head_dim", (4096, 32, 128)),
    ("attention/key", "embed kv_heads head_dim", (4096, 8, 128)),
    ("attention/value", "embed kv_heads head_dim", (4096, 8, 128)),
    ("attention/out", "heads head_dim embed", (32, 128, 4096)),
    ("attention_norm/scale", "norm", (4096,)),
    ("mlp/gate", "experts embed mlp", (8, 4096, 14336)),
    ("mlp/up", "experts embed mlp", (8, 4096, 14336)),
    ("mlp/down", "experts mlp embed", (8, 14336, 4096)),
    ("mlp/router", "embed experts", (4096, 8)),
    ("mlp_norm/scale", "norm", (4096,)),
)

# The names that the blocks use, repeated names being alternatives; 76 rules with the fillers below.
RULES: list[tuple[str, Any]] = [
    ("experts", "expert"),
    ("heads", ("tensor", "autoregressive")),
    ("kv_heads", ("tensor", "autoregressive")),
    ("mlp", ("fsdp_transpose", "tensor", "tensor_sequence", "autoregressive")),
    ("embed", ("fsdp", "stage", "context", "expert")),
    ("embed", ("fsdp", "context")),
    ("embed", "fsdp"),
    ("norm", ("tensor", "tensor_sequence")),
    ("head_dim", None),
]
RULES = [(f"activation_{n}", MESH_AXES[n % 12]) for n in range(76 - len(RULES))] + RULES


def transformer_leaves(count: int) -> list[Leaf]:
    """`count` parameters of a decoder whose layers are not stacked."""
    layers = range(-(-count // len(BLOCK)))
    paths = ((f"layers_{layer}/{path}", axes, shape) for layer in layers for path, axes, shape in BLOCK)
    kind: Kind = "params"
    leaves = [Leaf(path, kind, shape, "float32", 4, tuple(axes.split())) for path, axes, shape in paths]
    return leaves[:count]


def best_seconds(work: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """The shortest of `repeats` runs, and the last one's result."""
    seconds = []
    for _ in range(repeats):
        gc.collect()
        started = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - started)
    return min(seconds), result


def beside_flax() -> list[Figure]:
    """Seconds for 100,000 leaves in axisrules and in Flax, whose answers must agree."""
    mesh, table = make_mesh(MESH), from_flax_rules(RULES)
    leaves = transformer_leaves(LEAF_COUNT)
    named = {leaf.path: PartitionSpec(*(leaf.logical_axes or ())) for leaf in leaves}

    def shardings() -> tuple[Plan, dict[str, NamedSharding]]:
        plan = make_plan(leaves, table, parse_mesh(MESH))
        return plan, {p.path: named_sharding(p.spec, mesh) for p in plan.leaves}

    plan_seconds, _ = best_seconds(lambda: make_plan(leaves, table, parse_mesh(MESH)), 5)
    ours_seconds, (_, ours) = best_seconds(shardings, 5)
    flax_seconds, flax = best_seconds(lambda: nn.logical_to_mesh_sharding(named, mesh, RULES), 2)
    shapes = {leaf.path: leaf.shape for leaf in leaves}
    differences = sum(
        not ours[path].is_equivalent_to(flax[path], len(shape)) for path, shape in shapes.items()
    )
    return [
        Figure("leaves", len(leaves)),
        Figure("rules in the table", len(table.rules)),
        Figure("mesh axes", len(MESH_AXES)),
        Figure("leaves whose sharding is unlike Flax's", differences, at_most=0),
        Figure("axisrules: plan, a reason for every dim", plan_seconds, "s"),
        Figure("axisrules: plan, and a NamedSharding for every leaf", ours_seconds, "s", at_most=1.0),
        Figure("flax.linen.logical_to_mesh_sharding", flax_seconds, "s"),
        Figure(
            "Flax's time over axisrules's, NamedShardings included",
            flax_seconds / ours_seconds,
            "x",
            at_least=10,
        ),
    ]


def many_rules() -> list[Figure]:
    """Seconds to build a table of 100,000 rules and to resolve 10,000 leaves under it."""
    rules = [(f"axis_{n}", MESH_AXES[n % 12]) for n in range(100_000)]
    started = time.perf_counter()
    table = from_flax_rules(rules)
    build_seconds = time.perf_counter() - started
    leaves = [
        Leaf(
            f"layer_{n}",
            "params",
            (64, 128, 256),
            "float32",
            4,
            (f"axis_{n}", f"axis_{n + 1}", f"axis_{9 * n}"),
        )
        for n in range(1, 10_001)
    ]
    plan_seconds, _ = best_seconds(lambda: make_plan(leaves, table, parse_mesh(MESH)), 2)
    return [
        Figure("building a table of 100,000 rules", build_seconds, "s"),
        Figure("100,000 rules x 10,000 leaves, none alike", plan_seconds, "s", at_most=5.0),
    ]


if __name__ == "__main__":
    use_virtual_devices(8)
    sys.exit(publish("resolve_speed", beside_flax() + many_rules()))
