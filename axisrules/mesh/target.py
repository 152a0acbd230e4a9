"""Where a program is to run, known without any device: `local`, `tpu:v5p:8x8x8`, `gpu:h100:1x8`."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from axisrules.axes import MeshAxis
from axisrules.diagnostics import (
    AxisRulesError,
    Diagnostic,
    catalog,
    did_you_mean,
    raise_errors,
    shown_value,
)
from axisrules.mesh.chips import Chip, known_chips, load_chip
from axisrules.mesh.spec import MeshSpec
from axisrules.mesh.topology import (
    TWISTED,
    is_offered,
    near_topologies,
    read_topology,
    topology_text,
    wrapped_dims,
)

Platform = Literal["local", "tpu", "gpu"]

_FORM = "`local`, `tpu:CHIP:TOPOLOGY` as in `tpu:v5p:4x4x8`, or `gpu:CHIP:NODESxGPUS` as in `gpu:h100:2x8`"


@dataclass(frozen=True, slots=True)
class Target:
    """Where code compiles: the devices at hand (`local`), or chips that are only described.

    `topology` is chips per torus dim of one slice for a TPU, and (nodes, GPUs per node) for a GPU. A TPU
    target may have several `slices`, each of that topology, joined by the data-center network. A `local` one
    has the number of its devices there, once they are counted.
    """

    platform: Platform
    chip_name: str = ""
    topology: tuple[int, ...] = ()
    slices: int = 1
    is_twisted: bool = False

    @property
    def is_local(self) -> bool:
        """Whether it is the devices at hand, which only JAX can count."""
        return self.platform == "local"

    @property
    def chip(self) -> Chip:
        """The chip with its figures; not for `local`."""
        return load_chip(self.chip_name)

    @property
    def chip_count(self) -> int:
        """How many chips there are, in all slices or nodes; 0 for `local` that nobody has counted."""
        if self.is_local and not self.topology:
            return 0
        return math.prod(self.topology) * self.slices

    @property
    def device_count(self) -> int:
        """How many devices a program sees, some chips being two; 0 for `local` that nobody has counted."""
        return self.chip_count * (1 if self.is_local else self.chip.devices)

    @property
    def peak_flops_per_device(self) -> float:
        """Peak bfloat16 FLOP/s of one device; 0 for `local`."""
        return 0.0 if self.is_local else self.chip.bf16_flops_per_second / self.chip.devices

    @property
    def island_count(self) -> int:
        """How many groups of chips share fast links: slices of a TPU, nodes of GPUs; 1 for `local`."""
        return self.topology[0] if self.platform == "gpu" else self.slices

    @property
    def wraps(self) -> tuple[bool, ...]:
        """For each torus dim of a slice, whether its links close a ring; empty where there is no torus."""
        return wrapped_dims(self.topology, self.chip.shapes) if self.platform == "tpu" else ()

    def counted(self, devices: int) -> "Target":
        """`local` with its devices counted, so that meshes can be fitted to it."""
        return replace(self, topology=(devices,))

    def fit(self, mesh: MeshSpec) -> MeshSpec:
        """`mesh` on this target's devices: its wildcard filled, and its slices named where there are several.

        Where the mesh does not say which axes cross slices, the major ones do, since what is outermost
        talks least. Raises AxisRulesError: AXR205 when the sizes do not fit the devices, AXR208 when
        the slices do not. Not for `local` that nobody has counted.
        """
        filled = mesh.fill(self.device_count)
        if self.platform == "tpu" and not filled.slices and self.slices > 1:
            filled = replace(filled, slices=_across(filled, self.slices))
        if filled.slice_count not in ({self.slices} if self.platform == "tpu" else {1, self.island_count}):
            why = f"the mesh goes over {filled.slice_count} slices, and {self} has {self.island_count}"
            fix = "let the counts under slices: multiply to that number, or leave them out"
            raise AxisRulesError([catalog.SLICE_COUNT.at(subject=str(mesh), why=why, fix=fix)])
        return filled

    @property
    def topology_text(self) -> str:
        """The topology as the target's text has it: `4x4x8_twisted`."""
        return topology_text(self.topology) + (TWISTED if self.is_twisted else "")

    def __str__(self) -> str:
        if self.is_local:
            return f"local ({self.device_count} devices)" if self.topology else "local"
        across = f" ({self.slices} slices)" if self.slices > 1 else ""
        return f"{self.platform}:{self.chip_name}:{self.topology_text}{across}"


def parse_target(text: str, *, slices: int = 1) -> Target:
    """The target that `text` names, over so many slices.

    Raises AxisRulesError: AXR801 for a text of another form or slices that the target cannot have, AXR210
    for an unknown chip, AXR802 for a topology that the chip is not offered in.

    >>> parse_target("tpu:v5p:8x8x8").device_count
    512
    >>> parse_target("tpu:tpu7x:2x2x1", slices=2).device_count
    16
    >>> parse_target("gpu:h100:2x8").island_count
    2
    """
    parts = text.strip().split(":")
    if parts == ["local"]:
        raise_errors(_slice_problems(text, "local", slices))
        return Target("local")
    if len(parts) != 3 or parts[0] not in ("tpu", "gpu"):
        raise AxisRulesError([_not_a_target(text, parts)])
    chip = _chip(text, parts[0], parts[1])
    read = read_topology(parts[2])
    raise_errors([*_topology_problems(text, parts[2], chip), *_slice_problems(text, chip.platform, slices)])
    assert read  # a text that cannot be read is a problem of its topology
    return Target(chip.platform, chip.name, read[0], slices, read[1])


def _across(mesh: MeshSpec, slices: int) -> tuple[tuple[MeshAxis, int], ...]:
    """Over how many slices each axis goes when the major ones take as many as they can."""
    across: list[tuple[MeshAxis, int]] = []
    left = slices
    for name, size in mesh.sizes:
        count = math.gcd(size, left)
        if count > 1:
            across.append((name, count))
            left //= count
    return tuple(across) if left == 1 else ()


def _not_a_target(text: str, parts: list[str]) -> Diagnostic:
    first = parts[0]
    # `v5e:4x4` lacks its platform only, and `tpu:v5e` its topology only.
    if first in known_chips():
        why = f"`{first}` is a chip; its platform goes first: `{known_chips()[first].platform}:{first}:...`"
    elif len(parts) == 2 and parts[1] in known_chips():
        listed = ", ".join(f"`{first}:{parts[1]}:{size}`" for size in known_chips()[parts[1]].shapes.listed)
        why = f"the topology is missing: {listed}"
    else:
        why = "it is of no form that is known"
    return catalog.BAD_TARGET.at(subject=shown_value(text), why=why, fix=f"write {_FORM}")


def _chip(text: str, platform: str, name: str) -> Chip:
    """The chip `name` of `platform`; AXR210 lists the platform's chips."""
    chips = {key: chip for key, chip in known_chips().items() if chip.platform == platform}
    if name not in chips:
        fix = did_you_mean(name, chips)
        raise AxisRulesError([catalog.UNKNOWN_CHIP.at(subject=shown_value(text), fix=fix)])
    return chips[name]


def _topology_problems(text: str, wanted: str, chip: Chip) -> list[Diagnostic]:
    read = read_topology(wanted)
    if read and is_offered(read[0], chip.shapes, is_twisted=read[1]):
        return []
    near = near_topologies(read[0] if read else (1,), chip.shapes)
    listed = ", ".join(f"`{chip.platform}:{chip.name}:{size}`" for size in near)
    why = f"`{chip.name}` is not offered as {shown_value(wanted)}"
    if not read:
        why += "; a topology is sizes joined by `x`"
    elif read[1]:
        why += "; a torus can be twisted where its dims are k, k, 2k or k, 2k, 2k, multiples of 4"
    return [catalog.UNKNOWN_TOPOLOGY.at(subject=shown_value(text), why=why, fix=f"near ones: {listed}")]


def _slice_problems(text: str, platform: Platform, slices: int) -> list[Diagnostic]:
    if slices == 1 or (platform == "tpu" and 1 <= slices <= 1024):
        return []
    why = {
        "tpu": f"{shown_value(slices)} is not a number of slices from 1 to 1024",
        "gpu": "GPUs have no slices; the first number of the topology counts the nodes",
        "local": "the devices at hand are one slice",
    }[platform]
    return [catalog.BAD_TARGET.at(subject=shown_value(text), why=why, fix="leave the slices out")]
