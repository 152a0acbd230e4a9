"""Devices of a described topology and meshes of them, as JAX's own compiler interface has them."""

from typing import Any

import jax
import numpy as np
from jax.experimental import mesh_utils, topologies
from jax.sharding import AxisType, Mesh

from axisrules.mesh import MeshSpec, Target
from axisrules.targets.cuda_device import target_config
from axisrules.targets.job import DevicePlace

AXIS_TYPES = {"auto": AxisType.Auto, "explicit": AxisType.Explicit}


def described_devices(target: Target) -> list[jax.Device]:
    """The devices of `target`, which nobody has to have; in the order of its nodes and coordinates."""
    if target.platform == "gpu":
        nodes, per_node = target.topology
        return list(
            topologies.get_topology_desc(
                platform="cuda",
                topology_name="",
                target_config=target_config(target.chip),
                topology=f"1x{nodes}x{per_node}",
            ).devices
        )
    name = f"{target.chip_name}:{target.topology_text}"
    return list(
        topologies.get_topology_desc(platform="tpu", topology_name=name, **tpu_arguments(target)).devices
    )


def tpu_arguments(target: Target) -> dict[str, Any]:
    """What libtpu is told of a topology besides its name.

    It takes no ring for granted, so the closed ones are named; without its megacore configuration a v4
    chip would be two devices; and a single chip is no multiple of a whole host's four.
    """
    arguments: dict[str, Any] = {}
    if any(target.wraps):
        arguments["wrap"] = (*target.wraps, False, False)[:3]
    if target.chip_name == "v4":
        arguments["chip_config_name"] = "megacore"
    if target.chip_count == target.slices:
        arguments["chips_per_host_bounds"] = (1, 1, 1)
    if target.slices > 1:
        arguments["num_slices"] = target.slices
    return arguments


def described_mesh(spec: MeshSpec, target: Target, devices: list[jax.Device]) -> Mesh:
    """A mesh of `spec`, filled and with its slices named, on the described `devices`."""
    names = [name for name, _ in spec.sizes]
    sizes = [size for _, size in spec.sizes]
    across = [dict(spec.slices).get(name, 1) for name in names]
    within = [size // count for size, count in zip(sizes, across, strict=True)]
    if target.platform == "gpu":
        grid = _across_nodes(np.asarray(devices), within, across)
    elif spec.slice_count == 1:
        grid = mesh_utils.create_device_mesh(sizes, devices, allow_split_physical_axes=True)
    else:
        grid = mesh_utils.create_hybrid_device_mesh(within, across, devices, allow_split_physical_axes=True)
    return Mesh(grid, names, axis_types=(AXIS_TYPES[spec.axis_type],) * len(names))


def place_of(device: Any, target: Target) -> DevicePlace:
    """Where a described device is."""
    if target.platform == "gpu":
        node, gpu = divmod(device.id, target.topology[1])
        return DevicePlace((node, gpu), 0, node)
    coords = tuple(device.coords)[: len(target.topology)]
    return DevicePlace(coords, device.core_on_chip, getattr(device, "slice_index", None) or 0)


def _across_nodes(devices: np.ndarray, within: list[int], across: list[int]) -> np.ndarray:
    """GPUs in the order of their nodes, with the axes `across` nodes major to those within one."""
    rank = len(within)
    order = [dim for pair in zip(range(rank), range(rank, 2 * rank), strict=True) for dim in pair]
    sizes = [size * count for size, count in zip(within, across, strict=True)]
    return devices.reshape([*across, *within]).transpose(order).reshape(sizes)
