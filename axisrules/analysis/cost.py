"""How long a step should take on a machine that nobody has at hand, term by term.

Source of the model: docs/pages/cost_model.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from axisrules.analysis.collective_time import collective_time
from axisrules.analysis.flops import count_flops
from axisrules.analysis.hlo import Module
from axisrules.analysis.ledger import Collective, Ledger
from axisrules.analysis.machine import Machine
from axisrules.analysis.mesh_axes import AxisPart, slice_of_positions
from axisrules.analysis.replay import Start, replay
from axisrules.analysis.replica_groups import Groups, read_pairs
from axisrules.analysis.schedule import Schedule
from axisrules.mesh import MeshSpec

NETWORKS = {"ici": "ICI", "dcn": "DCN", "nvlink": "NVLink", "infiniband": "InfiniBand", "local": "links"}
"""How the ledger's networks are called in an estimate."""
WORDS = {
    "compute": "time on the matrix units",
    "vector": "time on the vector units",
    "HBM": "time waiting for memory",
    "launch": "time starting operations",
}
"""What else a step waits for, in words."""


@dataclass(frozen=True, slots=True)
class CostTerm:
    """One part of a step's time.

    `resource` is `compute` (matrix units), `vector`, `HBM`, `launch`, or a network: `ICI`, `DCN`, `NVLink`,
    `InfiniBand`, with the mesh axes that it is used for. `seconds` is what the step takes longer for it:
    the terms of a step sum to its time. `busy_seconds` is how long the resource works for it in all;
    what is more than `seconds` runs beside other work.
    """

    resource: str
    mesh_axes: tuple[str, ...]
    seconds: float
    busy_seconds: float

    @property
    def is_communication(self) -> bool:
        """Whether it is time spent waiting for other devices."""
        return self.resource in NETWORKS.values()

    @property
    def overlapped_seconds(self) -> float:
        """What of the work runs beside other work, and costs nothing."""
        return max(self.busy_seconds - self.seconds, 0.0)

    @property
    def words(self) -> str:
        """What the time goes by: "time on the matrix units", "exposed communication over `tensor`"."""
        axes = ", ".join(f"`{axis}`" for axis in self.mesh_axes) or "the devices"
        return WORDS.get(self.resource, f"exposed communication over {axes}")

    def __str__(self) -> str:
        return " ".join([self.resource, *self.mesh_axes])


@dataclass(frozen=True)
class StepEstimate:
    """A step's time on one device, by a model: never a measurement.

    `terms` are in order of their seconds. `flops` are those of the program's dots on one device.
    `uses_compiler_cycles` says whether the compiler's own cycles were there, as after a full compile.
    """

    terms: tuple[CostTerm, ...]
    flops: int
    peak_flops_per_second: float
    uses_compiler_cycles: bool

    @property
    def seconds(self) -> float:
        """The time of the step."""
        return sum(term.seconds for term in self.terms)

    @property
    def communication_seconds(self) -> float:
        """The part of the step in which a device only waits for others."""
        return sum(term.seconds for term in self.terms if term.is_communication)

    @property
    def communication_share(self) -> float:
        """`communication_seconds` over the step's time."""
        return self.communication_seconds / self.seconds if self.seconds else 0.0

    def seconds_of(self, resource: str, mesh_axis: str | None = None) -> float:
        """What the step takes longer for `resource`, over `mesh_axis` alone where one is given."""
        return sum(
            term.seconds
            for term in self.terms
            if term.resource == resource and (mesh_axis is None or mesh_axis in term.mesh_axes)
        )

    def mfu(self, model_flops: float | None = None) -> float:
        """FLOPs over what the device could do in the step's time at its peak.

        `model_flops` are those of one device that the model needs; without them, the program's own count,
        recomputation included. Source: Chowdhery et al. 2022, "PaLM", appendix B.
        """
        possible = self.peak_flops_per_second * self.seconds
        return (self.flops if model_flops is None else model_flops) / possible if possible else 0.0

    def to_json(self) -> dict[str, object]:
        """Every number as plain values."""
        return {
            "step_seconds": self.seconds,
            "communication_share": self.communication_share,
            "mfu": self.mfu(),
            "flops": self.flops,
            "uses_compiler_cycles": self.uses_compiler_cycles,
            "terms": [
                {
                    "resource": term.resource,
                    "mesh_axes": list(term.mesh_axes),
                    "seconds": term.seconds,
                    "busy_seconds": term.busy_seconds,
                    "overlapped_seconds": term.overlapped_seconds,
                }
                for term in self.terms
            ],
        }


def estimate_step(module: Module, ledger: Ledger, mesh: MeshSpec, machine: Machine) -> StepEstimate:
    """How long the scheduled program `module` takes on `machine`.

    `ledger` is the module's own, and `mesh` the one that it was compiled for.
    """
    transfers = dict(_transfers(module, ledger, mesh, machine))
    found = replay(Schedule(module, machine.rates, transfers).steps)
    terms = [
        CostTerm(*_named(key), found.exposed.get(key, 0.0), busy) for key, busy in found.busy.items() if busy
    ]
    return StepEstimate(
        terms=tuple(sorted(terms, key=lambda term: (-term.seconds, str(term)))),
        flops=count_flops(module),
        peak_flops_per_second=machine.rates.bf16_flops_per_second,
        uses_compiler_cycles=any('"estimated_cycles"' in one.text for _, one in module.instructions()),
    )


def groups_along(axes: tuple[AxisPart, ...], mesh: MeshSpec) -> Groups:
    """The groups of positions in `mesh` that differ only in `axes`, or in those parts of axes.

    >>> from axisrules.mesh import parse_mesh
    >>> groups_along((AxisPart("b", 2, 1, 2),), parse_mesh("a=2,b=2"))
    ((0, 1), (2, 3))
    """
    parts = {part.mesh_axis: [one for one in axes if one.mesh_axis == part.mesh_axis] for part in axes}
    groups: dict[tuple[int, ...], list[int]] = {}
    for position, coordinates in enumerate(product(*(range(size) for _, size in mesh.sizes))):
        fixed = tuple(
            _without(coordinate, parts.get(name, ()))
            for (name, _), coordinate in zip(mesh.sizes, coordinates, strict=True)
        )
        groups.setdefault(fixed, []).append(position)
    return tuple(map(tuple, groups.values()))


def _without(coordinate: int, parts: "list[AxisPart] | tuple[()]") -> int:
    """A coordinate with the digits that `parts` vary set to 0."""
    for part in parts:
        coordinate -= coordinate // part.stride % part.ways * part.stride
    return coordinate


def _transfers(
    module: Module, ledger: Ledger, mesh: MeshSpec, machine: Machine
) -> Iterator[tuple[tuple[str, str], Start]]:
    """Each collective of the program, its operands together, as a transfer: its term, seconds and links."""
    together: dict[tuple[str, str], list[Collective]] = {}
    for one in ledger:
        together.setdefault((one.computation, one.instruction), []).append(one)
    for key, operands in together.items():
        first = operands[0]
        payload = sum(one.payload_bytes for one in operands)
        groups = _pairs(module, first, mesh) or groups_along(first.axes, mesh)
        if first.kind in ("collective-permute", "send") and any(len(group) != 2 for group in groups):
            groups = _around(groups)
        time = collective_time(first.kind, payload, groups, machine.interconnect)
        term = " ".join([NETWORKS[first.network], *first.mesh_axes])
        yield key, Start(first.instruction, term, time.seconds, time.links)


def _pairs(module: Module, collective: Collective, mesh: MeshSpec) -> Groups:
    """A permute's (source, target) positions. Within a slice they count its devices alone."""
    if collective.kind != "collective-permute":
        return ()
    instruction = module.computations[collective.computation].by_name[collective.instruction]
    pairs = read_pairs(instruction.attribute("source_target_pairs"))
    positions = list(range(mesh.device_count))
    if module.partition_count < mesh.device_count:
        slices = slice_of_positions(mesh)
        positions = [position for position in positions if slices[position] == 0]
    return tuple((positions[source], positions[target]) for source, target in pairs)


def _around(groups: Groups) -> Groups:
    """(source, target) positions where the program lists no pairs: each device sends to the next one."""
    return tuple(pair for group in groups for pair in zip(group, (*group[1:], group[0]), strict=True))


def _named(key: str) -> tuple[str, tuple[str, ...]]:
    resource, *mesh_axes = key.split(" ")
    return resource, tuple(mesh_axes)
