"""The ledger read from a program: what every collective moves, over which mesh axes, and who asked."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from axisrules.analysis.flow import Flow
from axisrules.analysis.frames import direction_of, module_classes, module_path, scopes_of, user_line
from axisrules.analysis.hlo import Module
from axisrules.analysis.launches import Launch, find_launches, replaced_kinds
from axisrules.analysis.ledger import Collective, Kind, Ledger, Network
from axisrules.analysis.mesh_axes import AxisPart, axis_parts, slice_of_positions
from axisrules.analysis.provenance import operand_provenance
from axisrules.analysis.replica_groups import Groups, groups_of_pairs, read_groups, read_pairs
from axisrules.analysis.shape import Shape
from axisrules.axes import MeshAxis
from axisrules.mesh import MeshSpec, Platform

_NETWORKS: dict[Platform, tuple[Network, Network]] = {
    "tpu": ("ici", "dcn"),
    "gpu": ("nvlink", "infiniband"),
    "local": ("local", "local"),
}
_TARGET = re.compile(r'_xla_megascale_target=(?:"\{([\d,]*)\}|(\{\{.*?\}\}))')
# Chips of slice s carry ids from s times this number on, slices counted from 1.
_SLICE_STRIDE = 100_000


def read_ledger(
    module: Module, mesh: MeshSpec, *, platform: Platform = "tpu", islands: Sequence[int] = ()
) -> Ledger:
    """Every collective of `module`, compiled for `mesh`, in schedule order, one row per array moved.

    `islands` gives for every position in the mesh the slice or node it lies in, and so which
    collectives leave the fast links; without it, the mesh's own `slices` say so. Groups of one device
    move nothing and are left out. Raises ValueError where the program runs on another number of devices.
    """
    place = _Place(module, mesh, platform, tuple(islands) or slice_of_positions(mesh))
    flow = Flow(module)
    launches = find_launches(module)
    rows: list[Collective] = []
    for launch, replaces in zip(launches, replaced_kinds(flow, launches), strict=True):
        rows += _rows(flow, launch, place, replaces)
    return Ledger(tuple(rows))


def wire_bytes(kind: Kind, payload_bytes: int, group_size: int) -> int:
    """Bytes that one device sends for a collective over `group_size` devices, on a ring.

    Of a payload P over n devices: all-gather, reduce-scatter and all-to-all (n - 1)/n P, all-reduce twice
    that, permutes, broadcasts and sends P. `payload_bytes` is the whole array that the group gathers,
    reduces or exchanges. Source: Thakur, Rabenseifner, Gropp, "Optimization of Collective Communication
    Operations in MPICH" (2005), the bandwidth-optimal algorithms.

    >>> wire_bytes("all-reduce", 1000, 4)
    1500
    """
    if kind in ("collective-permute", "broadcast", "send"):
        return payload_bytes
    share = payload_bytes * (group_size - 1) // group_size
    return 2 * share if kind == "all-reduce" else share


@dataclass(frozen=True)
class _Place:
    """The mesh that a program runs on, and the part of it that one copy of the program names devices of.

    A program for several slices is compiled for one of them: its device ids are positions in the mesh
    that a slice holds.
    """

    module: Module
    mesh: MeshSpec
    platform: Platform
    islands: tuple[int, ...]

    @cached_property
    def is_sliced(self) -> bool:
        """Whether the program is one slice's."""
        devices, partitions = self.mesh.device_count, self.module.partition_count
        if partitions == devices:
            return False
        if partitions * self.mesh.slice_count != devices:
            raise ValueError(
                f"the program runs on {partitions} devices, and the mesh ({self.mesh}) has {devices}"
            )
        return True

    @cached_property
    def sizes(self) -> tuple[tuple[MeshAxis, int], ...]:
        """The mesh axes with the sizes they have among the devices that the program names."""
        across = dict(self.mesh.slices) if self.is_sliced else {}
        return tuple((name, size // across.get(name, 1)) for name, size in self.mesh.sizes)

    def parts(self, groups: Groups) -> tuple[AxisPart, ...]:
        """The mesh axes that groups of the program's devices run along."""
        whole = self.mesh.shape
        return tuple(
            AxisPart(part.mesh_axis, part.ways, part.stride, whole[part.mesh_axis])
            for part in axis_parts(groups, self.sizes)
        )

    def parts_across(self, groups: Groups) -> tuple[AxisPart, ...]:
        """The mesh axes that groups of slices run along."""
        across, whole = dict(self.mesh.slices), self.mesh.shape
        sizes = tuple((name, across[name]) for name, _ in self.mesh.sizes if name in across)
        return tuple(
            AxisPart(
                part.mesh_axis,
                part.ways,
                part.stride * whole[part.mesh_axis] // part.size,
                whole[part.mesh_axis],
            )
            for part in axis_parts(groups, sizes)
        )

    def network(self, groups: Groups) -> Network:
        """The slowest kind of link that the groups need."""
        near, far = _NETWORKS[self.platform]
        if self.is_sliced:
            return near
        leaves = any(len({self.islands[position] for position in group}) > 1 for group in groups)
        return far if leaves else near


def _rows(flow: Flow, launch: Launch, place: _Place, replaces: str) -> Iterator[Collective]:
    groups = _groups(launch, place)
    if max((len(group) for group in groups), default=1) < 2:
        return
    group_size = max(map(len, groups))
    axes = place.parts_across(groups) if launch.crosses_slices else place.parts(groups)
    network = _NETWORKS[place.platform][1] if launch.crosses_slices else place.network(groups)
    payloads = _payloads(launch, group_size)
    for operand, (shape, payload_bytes) in enumerate(payloads):
        origin = operand_provenance(flow, launch, operand, len(payloads))
        yield Collective(
            kind=launch.kind,
            instruction=launch.handle.name,
            computation=launch.home.name,
            operand=operand,
            operand_count=len(payloads),
            count=launch.count,
            payload_bytes=payload_bytes,
            wire_bytes=wire_bytes(launch.kind, payload_bytes, group_size),
            dtype=shape.dtype,
            shape=shape.dims,
            group_size=group_size,
            axes=axes,
            network=network,
            direction=direction_of(origin.op_name, origin.stack),
            module_path=module_path(origin.op_name) or module_classes(origin.stack),
            op_name=origin.op_name,
            scopes=scopes_of(origin.op_name),
            source=user_line(origin.stack),
            stack=origin.stack,
            is_async=launch.is_async,
            loops=launch.loops,
            is_conditional=launch.is_conditional,
            replaces=replaces,
        )


def _groups(launch: Launch, place: _Place) -> Groups:
    """Groups of positions in the program's mesh; of slices for what goes between slices."""
    one = launch.instruction
    if launch.crosses_slices:
        return _slice_groups(one.text, place.mesh.slice_count)
    if pairs := one.attribute("source_target_pairs"):
        return groups_of_pairs(read_pairs(pairs))
    return read_groups(one.attribute("replica_groups"), place.module.partition_count)


def _slice_groups(text: str, slice_count: int) -> Groups:
    """The slices, counted from 0, that exchange data.

    `"{1,2}x{0:3}"` lists slices from 1 and their chips, `{{100000,200000},...}` groups of chips.
    """
    target = _TARGET.search(text)
    if target is None:
        return (tuple(range(slice_count)),)
    if target[1]:
        return (tuple(int(number) - 1 for number in target[1].split(",")),)
    chips = read_groups(target[2], 0)
    return tuple(dict.fromkeys(tuple(chip // _SLICE_STRIDE - 1 for chip in group) for group in chips))


def _payloads(launch: Launch, group_size: int) -> tuple[tuple[Shape, int], ...]:
    """The arrays that a launch moves, each with the bytes of the whole that the group has to do with."""
    operands = launch.operands
    if launch.kind == "all-gather" and launch.crosses_slices:
        return tuple((shape, shape.byte_size * group_size) for shape in operands)
    if launch.kind == "all-gather":
        return tuple((shape, shape.byte_size) for shape in launch.results)
    if launch.kind == "all-to-all" and len(operands) > 1 and not launch.instruction.attribute("dimensions"):
        # One array in as many pieces as the group has devices.
        return ((operands[0], sum(shape.byte_size for shape in operands)),)
    return tuple((shape, shape.byte_size) for shape in operands)
