"""A rule table's program against Megatron's written by hand, with every collective explicit.

Attention and gated MLP blocks, forward and backward, both compiled for the same TPU: the bytes that a device
sends, and the time that the cost model gives each.
"""

import sys

from axisrules.mesh import parse_mesh, parse_target
from benchmarks.blocks import hand_job, rules_job
from benchmarks.described import Described, compile_jobs
from benchmarks.report import Figure, publish

TARGET = parse_target("tpu:v5e:2x4")
MESH = parse_mesh("tensor=8")
PRESETS = ("tp", "tp_sp")


def compared(preset: str, by_rules: Described, by_hand: Described) -> list[Figure]:
    """Wire bytes and time of both, and the table's over the hand-written's."""
    bytes_ratio = by_rules.ledger.wire_bytes / by_hand.ledger.wire_bytes
    time_ratio = by_rules.estimate.seconds / by_hand.estimate.seconds
    return [
        Figure(f"{preset}: wire bytes, by the table", by_rules.ledger.wire_bytes / 1e6, "MB"),
        Figure(f"{preset}: wire bytes, by hand", by_hand.ledger.wire_bytes / 1e6, "MB"),
        Figure(f"{preset}: wire bytes, table over hand", bytes_ratio, at_most=1.0),
        Figure(f"{preset}: time, by the table (model)", by_rules.estimate.seconds * 1e3, "ms"),
        Figure(f"{preset}: time, by hand (model)", by_hand.estimate.seconds * 1e3, "ms"),
        Figure(f"{preset}: time, table over hand", time_ratio, at_most=1.02),
        Figure(f"{preset}: collectives, by the table", by_rules.ledger.count),
        Figure(f"{preset}: collectives, by hand", by_hand.ledger.count),
    ]


def main() -> int:
    """0 when the tables' programs send no more than the hand-written ones."""
    jobs = [job(preset, MESH, TARGET) for preset in PRESETS for job in (rules_job, hand_job)]
    found = compile_jobs(jobs)
    figures = [
        figure
        for number, preset in enumerate(PRESETS)
        for figure in compared(preset, found[2 * number], found[2 * number + 1])
    ]
    return publish("megatron", figures)


if __name__ == "__main__":
    sys.exit(main())
