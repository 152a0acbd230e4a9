"""What no compiler can beat: the bytes a layout must hold, and the seconds that it must take at the least.

Only ever used to leave a candidate out, never to order two of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from axisrules.axes import LogicalAxis
from axisrules.mesh import Target
from axisrules.resolve import LeafPlan, Plan
from axisrules.search.table import EXPERT, ROW_AXES

NARROW = 2
"""Bytes of the narrowest number that gradients travel in, where the model computes in half precision."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Lower bounds of one layout, for one device.

    `state_bytes` are the step's own arguments: parameters, optimizer state and batch, in memory throughout.
    `sent_bytes` are its part of the gradients' sums over the batch: of n devices that add up what each has,
    each sends at least (n - 1)/n of its own. `seconds` is the longer of sending those over all links
    at once and of reading and writing the state once; 0 on local devices, whose speed nobody publishes.
    """

    state_bytes: int
    sent_bytes: int
    seconds: float


def bound(plan: Plan, counts: Mapping[LeafPlan, int], cover: LogicalAxis | None, target: Target) -> Bounds:
    """The bounds of a layout; `counts` is how many arrays each leaf of `plan` stands for.

    Source: Chan et al. 2007, "Collective communication: theory, practice, and experience", table 1.
    """
    held = sum(
        count * leaf_plan.bytes_per_device
        for leaf_plan, count in counts.items()
        if leaf_plan.leaf.kind in ("params", "optimizer", "batch")
    )
    activations = [leaf_plan.leaf for leaf_plan in counts if leaf_plan.leaf.kind == "activations"]
    halves = any(leaf.itemsize == NARROW for leaf in activations)
    sent = sum(
        count * _sent_bytes(leaf_plan, plan, cover, halves=halves)
        for leaf_plan, count in counts.items()
        if leaf_plan.leaf.kind == "params"
    )
    if target.is_local:
        return Bounds(held, int(sent), 0.0)
    chip = target.chip
    network = max(chip.links, 1) * chip.link_bytes_per_second + chip.network_bytes_per_second
    memory = chip.memory_bytes_per_second / chip.devices
    return Bounds(held, int(sent), max(sent / network, 2 * held / memory))


def _sent_bytes(leaf_plan: LeafPlan, plan: Plan, cover: LogicalAxis | None, *, halves: bool) -> float:
    """What a device sends of one parameter's gradient: nothing over axes that no two copies lie along."""
    own = {
        axis
        for dim, axes in zip(leaf_plan.leaf.logical_axes or (), leaf_plan.spec, strict=False)
        for axis in axes
        if dim != cover or axis == EXPERT
    }
    ways = prod(plan.mesh.shape.get(axis, 1) for axis in ROW_AXES if axis not in own)
    apart = prod(plan.mesh.shape[axis] for axis in own)
    width = min(leaf_plan.leaf.itemsize, NARROW) if halves else leaf_plan.leaf.itemsize
    whole = leaf_plan.leaf.bytes // leaf_plan.leaf.itemsize * width
    return whole / apart * (ways - 1) / ways
