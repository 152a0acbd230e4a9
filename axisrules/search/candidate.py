"""One layout that a search may propose: a point of a space, by its choices."""

from dataclasses import dataclass, replace
from typing import Literal

from axisrules.axes import LogicalAxis, MeshAxis

Sharded = Literal["params", "optimizer"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What sets one layout apart from the others of its space; everything else follows from the program.

    `sizes` are the mesh axes that have more than one device, major to minor, and `crossing` is the one that
    goes over `slices`. `cut` are the logical axes over `tensor`. `sharded` says what `fsdp` cuts:
    parameters and optimizer state, or the latter alone (ZeRO-1). `remat` is a policy's name. A pipeline has
    a `schedule` and its `microbatches`; without one a batch may be taken in `accumulate` parts.
    """

    sizes: tuple[tuple[MeshAxis, int], ...]
    cut: tuple[LogicalAxis, ...] = ()
    cuts_positions: bool = False
    sharded: Sharded = "params"
    remat: str = "none"
    accumulate: int = 1
    schedule: str = ""
    microbatches: int = 1
    crossing: str = ""
    slices: int = 1

    def size(self, mesh_axis: str) -> int:
        """Devices along a mesh axis; 1 for one that the mesh lacks."""
        return next((size for name, size in self.sizes if name == mesh_axis), 1)

    @property
    def mesh(self) -> str:
        """The mesh as a table names it: "fsdp=8,tensor=2"."""
        return ",".join(f"{name}={size}" for name, size in self.sizes) or "data=1"

    def __str__(self) -> str:
        """Every choice that is not the plain one: "fsdp=8,tensor=2: heads mlp; seq; full remat"."""
        parts = [" ".join(self.cut)] if self.cut else []
        parts += ["sequence parallel"] if self.cuts_positions else []
        parts += ["optimizer only"] if self.sharded == "optimizer" else []
        parts += [f"{self.remat} remat"] if self.remat != "none" else []
        parts += [f"accumulate {self.accumulate}"] if self.accumulate > 1 else []
        parts += [f"{self.schedule}, {self.microbatches} microbatches"] if self.schedule else []
        parts += [f"{self.crossing} across slices"] if self.crossing else []
        return f"{self.mesh}: {'; '.join(parts)}" if parts else self.mesh

    def with_sizes(self, sizes: dict[MeshAxis, int]) -> "Candidate":
        """The same choices on another mesh; axes of one device are left out."""
        return replace(self, sizes=tuple((name, size) for name, size in sizes.items() if size > 1))
