"""A step's time by closed formulas, from the model's sizes and the mesh: what one does without a compiler.

Source: "How to Scale Your Model", chapter on training: FLOPs over the peak, and for each mesh axis what it
communicates over both directions of one link.
"""

import math

from axisrules.mesh import Chip
from benchmarks.theory import NARROW, WIDE, Theory

FSDP_TABLES = {"fsdp", "fsdp_tp", "fsdp_tp_sp", "zero3"}


def communication_seconds(theory: Theory, rules: str, sizes: dict[str, int], chip: Chip) -> float:
    """Seconds on the network: gradients or weights over the batch's axis, activations over `tensor`."""
    batch_ways = sizes.get("data", 1) * sizes.get("fsdp", 1)
    tensor_ways = sizes.get("tensor", 1)
    bandwidth = 2 * chip.link_bytes_per_second
    weights = (theory.gathered_bytes + theory.gradient_bytes) / tensor_ways
    gradients = 2 * theory.gradient_bytes / tensor_ways
    moved = weights if rules in FSDP_TABLES else gradients
    activations = 2 * (4 * theory.config.layers + 2) * theory.activation_bytes / batch_ways
    over_batch = moved / bandwidth if batch_ways > 1 else 0.0
    over_tensor = activations / bandwidth if tensor_ways > 1 else 0.0
    return over_batch + over_tensor


def matmul_seconds(theory: Theory, device_count: int, chip: Chip) -> float:
    """Seconds of the matmuls at the chip's peak."""
    return theory.dot_flops / device_count / chip.bf16_flops_per_second


def overlapped_seconds(theory: Theory, rules: str, sizes: dict[str, int], chip: Chip) -> float:
    """The longer of the two: everything overlaps."""
    device_count = math.prod(sizes.values())
    return max(matmul_seconds(theory, device_count, chip), communication_seconds(theory, rules, sizes, chip))


def serial_seconds(theory: Theory, rules: str, sizes: dict[str, int], chip: Chip) -> float:
    """The sum of the two, and of reading and writing weights and moments: nothing overlaps."""
    device_count = math.prod(sizes.values())
    ways = device_count if rules in FSDP_TABLES else sizes.get("tensor", 1)
    weights = theory.gradient_bytes / NARROW
    state = weights * (2 * 3 * WIDE + NARROW) / ways
    return (
        matmul_seconds(theory, device_count, chip)
        + communication_seconds(theory, rules, sizes, chip)
        + state / chip.memory_bytes_per_second
    )
