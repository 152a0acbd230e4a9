"""What goes to a compiler of absent hardware, and what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from axisrules.diagnostics import Diagnostic
from axisrules.mesh import MeshSpec, Target

Mode = Literal["fast", "full"]
OptionValue = bool | int | float | str


@dataclass(frozen=True)
class CompileJob:
    """One program for one target.

    `exported` is what `jax.export` serialized for the target's platform: a function of flat arrays, laid
    out on an abstract mesh of the same axes and sizes as `mesh`. `donated` numbers the arguments whose
    memory the results may take. `options` are XLA's compiler options by name.
    """

    exported: bytes = field(repr=False)
    target: Target
    mesh: MeshSpec
    donated: tuple[int, ...] = ()
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    name: str = ""


@dataclass(frozen=True, slots=True)
class DevicePlace:
    """Where one device is.

    `coords` are its chip's place in the torus of its slice (x, y, z), or (node, GPU) for a GPU; `core`
    tells apart the devices of one chip; `island` numbers the slice or node, inside which links are fast.
    """

    coords: tuple[int, ...]
    core: int
    island: int


@dataclass(frozen=True, slots=True)
class MemoryStats:
    """What the compiler says of one device's memory after code generation, in bytes.

    Results that take the memory of donated arguments (`alias_bytes`) are counted in both. `peak_bytes` is the
    most that is alive at one time, arguments included and the program's own code left out; 0 where the
    backend does not say.
    """

    argument_bytes: int
    output_bytes: int
    alias_bytes: int
    temp_bytes: int
    code_bytes: int
    peak_bytes: int = 0

    @property
    def total_bytes(self) -> int:
        """All of it, shared memory counted once."""
        return self.argument_bytes + self.output_bytes - self.alias_bytes + self.temp_bytes + self.code_bytes


def memory_stats(analysis: Any) -> MemoryStats | None:
    """JAX's own memory analysis of a compiled program; None where its backend has none."""
    if analysis is None:
        return None
    return MemoryStats(
        argument_bytes=analysis.argument_size_in_bytes,
        output_bytes=analysis.output_size_in_bytes,
        alias_bytes=analysis.alias_size_in_bytes,
        temp_bytes=analysis.temp_size_in_bytes,
        code_bytes=analysis.generated_code_size_in_bytes,
        peak_bytes=getattr(analysis, "peak_memory_in_bytes", 0),
    )


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A program that does not fit into a device: the bytes that it needs, and those that there are."""

    needed_bytes: int
    available_bytes: int


@dataclass(frozen=True)
class CompiledStep:
    """A compiled program as text, and how it came about.

    `module_text` is the scheduled HLO of one device, `buffers_text` its buffer assignment,
    `partitioned_text` the program as it went into the partitioner, every layout decided, and `messages`
    what the compiler printed. `memory` is known in full mode only. `places` has one entry per
    position of the mesh, the last mesh axis fastest. With a `shortfall` the program does not fit; the
    texts are then what the compiler had scheduled when it gave up, after all attempts to save memory.

    Seconds and bytes are those of the compiler's process; from the cache, those of the first time.
    """

    target: Target
    mesh: MeshSpec
    mode: Mode
    module_text: str = field(repr=False)
    buffers_text: str = field(repr=False)
    partitioned_text: str = field(repr=False)
    memory: MemoryStats | None
    places: tuple[DevicePlace, ...] = field(repr=False)
    shortfall: Shortfall | None
    messages: str = field(repr=False)
    versions: tuple[tuple[str, str], ...]
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    is_cached: bool = False
    notes: tuple[Diagnostic, ...] = ()

    @property
    def partitions(self) -> tuple[int, ...]:
        """The mesh position of each partition number that the HLO's replica groups use.

        A TPU program over several slices is that of one slice: its numbers count the positions of the
        first, in the mesh's order, and what crosses slices are sends and receives.
        """
        is_of_one_slice = self.target.platform == "tpu"
        return tuple(
            position for position, place in enumerate(self.places) if not is_of_one_slice or not place.island
        )

    @property
    def fits(self) -> bool:
        """Whether the compiler found room for the program."""
        return self.shortfall is None


@dataclass(frozen=True, slots=True)
class CompileFailure:
    """A program that could not be compiled: why, and the end of what the compiler printed."""

    diagnostic: Diagnostic
    messages: str = field(repr=False, default="")


# What comes of one job.
Outcome = CompiledStep | CompileFailure
