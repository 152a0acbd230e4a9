"""Sixteen layouts ranked by the fast path, against the replay of the full compile with the compiler's cycles.

A 4-layer decoder on 16 TPU v5e chips. Takes minutes: sixteen compiles go through code generation; the compile
cache keeps them. What this cannot show: whether the chip agrees with its compiler (docs/pages/cost_model.md).
"""

import sys
from collections.abc import Sequence

from axisrules.analysis import Ledger
from axisrules.mesh import parse_mesh, parse_target
from axisrules.models import DecoderConfig
from axisrules.search import ERROR_BAR
from benchmarks.closed_form import overlapped_seconds, serial_seconds
from benchmarks.described import Described, Layout, compile_layouts
from benchmarks.programs import decoder_program
from benchmarks.rank_order import largest_reversal, regret, spearman
from benchmarks.report import Figure, publish
from benchmarks.theory import Theory

CONFIG = DecoderConfig(
    vocab=32_000, embed=2048, heads=16, kv_heads=16, head_dim=128, mlp=8192, layers=4, dtype="bfloat16"
)
BATCH, SEQ = 32, 1024
TARGET = parse_target("tpu:v5e:4x4")
LAYOUTS = [
    ("dp", "data=16"),
    ("zero1", "data=16"),
    ("zero2", "data=16"),
    ("fsdp", "fsdp=16"),
    ("tp", "tensor=16"),
    ("tp", "data=4,tensor=4"),
    ("tp", "data=2,tensor=8"),
    ("tp_sp", "tensor=16"),
    ("tp_sp", "data=4,tensor=4"),
    ("tp_sp", "data=8,tensor=2"),
    ("fsdp_tp", "fsdp=8,tensor=2"),
    ("fsdp_tp", "fsdp=4,tensor=4"),
    ("fsdp_tp", "fsdp=2,tensor=8"),
    ("fsdp_tp_sp", "fsdp=8,tensor=2"),
    ("fsdp_tp_sp", "fsdp=4,tensor=4"),
    ("fsdp_tp_sp", "fsdp=2,tensor=8"),
]


def facts(ledger: Ledger) -> list[tuple[object, ...]]:
    """What has to be equal in the ledgers of the fast and of the full path."""
    return sorted(
        (one.kind, one.count, one.payload_bytes, one.wire_bytes, one.dtype, one.shape, str(one.axes))
        for one in ledger
    )


def judged(name: str, estimate: Sequence[float], reference: Sequence[float]) -> list[Figure]:
    """Rank correlation and regret of one estimate."""
    return [
        Figure(f"{name}: Spearman", spearman(estimate, reference)),
        Figure(f"{name}: top-1 regret", regret(estimate, reference), "%"),
    ]


def figures_of(fast: list[Described], full: list[Described]) -> list[Figure]:
    """Each layout's times, and how well the fast path and the closed formulas rank them."""
    theory = Theory(CONFIG, BATCH, SEQ)
    quick = [found.estimate.seconds for found in fast]
    reference = [found.estimate.seconds for found in full]
    meshes = [dict(parse_mesh(mesh).shape) for _, mesh in LAYOUTS]
    closed = [
        [
            formula(theory, rules, sizes, TARGET.chip)
            for (rules, _), sizes in zip(LAYOUTS, meshes, strict=True)
        ]
        for formula in (overlapped_seconds, serial_seconds)
    ]
    equal = sum(facts(a.ledger) == facts(b.ledger) for a, b in zip(fast, full, strict=True))
    figures = [
        Figure(f"{rules} {mesh}: {name}", seconds * 1e3, "ms")
        for (rules, mesh), both in zip(LAYOUTS, zip(quick, reference, strict=True), strict=True)
        for name, seconds in zip(("fast", "full"), both, strict=True)
    ]
    margin = spearman(quick, reference) - max(spearman(one, reference) for one in closed)
    bar = ERROR_BAR * 100  # advice promises no gain that is smaller
    with_cycles = sum(found.estimate.uses_compiler_cycles for found in full)
    return [
        *figures,
        *judged("closed form, all overlapping", closed[0], reference),
        *judged("closed form, nothing overlapping", closed[1], reference),
        Figure("fast path: Spearman", spearman(quick, reference), at_least=0.9),
        Figure("fast path: top-1 regret", regret(quick, reference), "%", at_most=5.0),
        Figure("fast path: Spearman above the better closed form's", margin, at_least=0.0),
        Figure("fast path: largest gain that is none", largest_reversal(quick, reference), "%", at_most=bar),
        Figure("layouts whose fast and full ledgers are equal", equal, at_least=len(LAYOUTS)),
        Figure("full compiles that carry the compiler's cycles", with_cycles, at_least=len(LAYOUTS)),
    ]


def main() -> int:
    """0 when the fast path ranks as the full compile does."""
    program = decoder_program(CONFIG, BATCH, SEQ)
    layouts = [Layout(rules, mesh, TARGET) for rules, mesh in LAYOUTS]
    fast, full = (compile_layouts(program, layouts, mode) for mode in ("fast", "full"))
    return publish("ranking", figures_of(fast, full))


if __name__ == "__main__":
    sys.exit(main())
