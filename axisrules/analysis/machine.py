"""A target as the cost model sees it: what one device does in a second, and how the devices are joined."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Protocol

from axisrules.analysis.interconnect import Between, Interconnect, Place, Switch, Torus
from axisrules.analysis.roofline import DeviceRates
from axisrules.mesh import Chip, Target


class Located(Protocol):
    """Where a device is: its chip's coordinates, its core on that chip, its slice or node."""

    @property
    def coords(self) -> tuple[int, ...]:
        """The chip's place in the torus of its slice; for a GPU (node, GPU)."""

    @property
    def core(self) -> int:
        """Which of its chip's devices it is."""

    @property
    def island(self) -> int:
        """Its slice or node, inside which links are fast."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What a step runs on: every device alike, joined by one interconnect."""

    rates: DeviceRates
    interconnect: Interconnect


def describe_machine(target: Target, places: Sequence[Located] = ()) -> Machine:
    """The machine that `target` describes; not for `local`.

    `places` are the devices' places by position in the mesh, as the compiler chose them; without them,
    positions count through cores, then the torus row by row, then slices.
    """
    assert not target.is_local, "the devices at hand are measured, not described"
    where = tuple(Place(one.island, one.coords, one.core) for one in places) or _in_order(target)
    chip = target.chip
    between = Between(chip.network_bytes_per_second / chip.devices, chip.network_seconds)
    inside: Torus | Switch = Switch(chip.link_bytes_per_second, chip.link_seconds)
    if target.platform == "tpu":
        sizes = _sizes(where, len(target.topology))
        # A dim wraps around by its size, and a topology may be written in another order than its coordinates.
        wraps = dict(zip(target.topology, target.wraps, strict=True))
        wrapped = tuple(wraps.get(size, False) for size in sizes)
        inside = Torus(sizes, wrapped, chip.link_bytes_per_second, chip.link_seconds)
    return Machine(device_rates(chip), Interconnect(inside, between, where))


def device_rates(chip: Chip) -> DeviceRates:
    """What one device of `chip` does in a second.

    A TPU multiplies float32 at the bfloat16 rate unless the highest precision is asked for; a GPU uses
    TF32, and its vector units for full precision.
    """
    is_tpu = chip.platform == "tpu"
    return DeviceRates(
        int8_flops_per_second=chip.int8_flops_per_second / chip.devices,
        bf16_flops_per_second=chip.bf16_flops_per_second / chip.devices,
        f32_flops_per_second=(chip.bf16_flops_per_second if is_tpu else chip.f32_flops_per_second)
        / chip.devices,
        precise_flops_per_second=(chip.f32_flops_per_second if is_tpu else chip.vector_flops_per_second)
        / chip.devices,
        vector_ops_per_second=chip.vector_flops_per_second * chip.vector_share / chip.devices,
        unfused_ops_per_second=chip.vector_flops_per_second * chip.unfused_share / chip.devices,
        memory_bytes_per_second=chip.memory_bytes_per_second / chip.devices,
        clock_hertz=chip.clock_hertz if is_tpu else 0.0,
        launch_seconds=chip.launch_seconds,
    )


def _in_order(target: Target) -> tuple[Place, ...]:
    if target.platform == "gpu":
        nodes, each = target.topology
        return tuple(Place(node, (node, gpu)) for node in range(nodes) for gpu in range(each))
    chips = product(range(target.slices), *map(range, target.topology))
    return tuple(
        Place(island, tuple(coords), core) for island, *coords in chips for core in range(target.chip.devices)
    )


def _sizes(places: Sequence[Place], rank: int) -> tuple[int, ...]:
    return tuple(1 + max(place.coords[dim] for place in places) for dim in range(rank))
