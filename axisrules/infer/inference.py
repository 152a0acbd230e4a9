"""What comes out: a name for every dim with where it came from, and all that is not as it should be."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from axisrules.axes import AxisNames, LogicalAxis
from axisrules.infer.traced import Place, Seed

# given: a seed named this very dim. strong: the computation makes it the same axis as a given one.
# weak: a part, a window or a multiple of a named axis. role: guessed from what the axis is used for.
NameSource = Literal["given", "strong", "weak", "role", "unknown"]


@dataclass(frozen=True, slots=True)
class DimName:
    """The name of one dim, how it came, and the class (an index into `Inference.classes`) it belongs to.

    Only given and strong names may shard a parameter without the user's word.
    """

    name: LogicalAxis | None
    source: NameSource
    class_id: int

    @property
    def is_sure(self) -> bool:
        """Whether the name was given, or follows from given ones."""
        return self.source in ("given", "strong")


@dataclass(frozen=True, slots=True)
class NamedArray:
    """One array of the program, named dim by dim."""

    place: Place
    shape: tuple[int, ...]
    dtype: str
    dims: tuple[DimName, ...]

    @property
    def names(self) -> AxisNames:
        """The names alone; never one name twice, unless seeds gave it twice."""
        return tuple(dim.name for dim in self.dims)

    @property
    def sure_names(self) -> AxisNames:
        """The names that were given or follow from given ones; None for weak ones and guesses."""
        return tuple(dim.name if dim.is_sure else None for dim in self.dims)


@dataclass(frozen=True, slots=True)
class AxisClass:
    """Dims that the computation makes one axis.

    `members` are the dims of parameters in it, as (path, dim). `factors` are the classes whose product
    it is, major first, where a reshape says so: a fused `heads * head_dim` has two.
    """

    class_id: int
    size: int
    name: LogicalAxis | None
    source: NameSource
    members: tuple[tuple[str, int], ...]
    factors: tuple[int, ...] = ()

    @property
    def example(self) -> str:
        """One parameter dim of the class, the shortest path: `embed/kernel[1]`; empty without parameters."""
        if not self.members:
            return ""
        path, dim = min(self.members, key=lambda member: (len(member[0]), member))
        return f"{path}[{dim}]"


@dataclass(frozen=True, slots=True)
class Suspect:
    """An annotation that may be the wrong one: `name` on `dim` of the array at `place`.

    `dim` is None where the whole annotation is meant: its rank is wrong.
    """

    place: Place
    dim: int | None
    name: LogicalAxis | None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Annotations that cannot all be right; `suspects` has the likeliest culprit first.

    two_names: one axis of the computation carries two names. one_name: two axes carry one name.
    rank: names and dims differ in number. `primitive`, `source` ("file.py:12") and `scope` (the module
    path that JAX noted) tell which operation brings the names together, where one does.
    """

    kind: Literal["two_names", "one_name", "rank"]
    names: tuple[LogicalAxis, ...]
    suspects: tuple[Suspect, ...]
    why: str
    primitive: str = ""
    source: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Opaque:
    """A primitive that inference does not see through: how often it occurs, and where it first does.

    `is_ordered` is that of a side effect whose calls keep their order, which JAX does on one device only.
    """

    primitive: str
    count: int
    source: str
    scope: str
    is_ordered: bool = False


@dataclass(frozen=True, slots=True)
class UnusedSeed:
    """A seed whose pattern matches no array of its kind."""

    seed: Seed
    nearest: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Inference:
    """The names of every array that has a place, and what stands in the way of more."""

    arrays: tuple[NamedArray, ...]
    classes: tuple[AxisClass, ...]
    contradictions: tuple[Contradiction, ...]
    opaque: tuple[Opaque, ...]
    unused_seeds: tuple[UnusedSeed, ...]
    # Names that mean one axis on purpose: an array has both of them on dims of one class (seq, kv_seq).
    aliases: tuple[tuple[LogicalAxis, LogicalAxis], ...] = ()

    @cached_property
    def _by_place(self) -> dict[tuple[str, str], NamedArray]:
        return {(array.place.kind, array.place.path): array for array in self.arrays}

    def array(self, kind: str, path: str) -> NamedArray:
        """The array at a place; KeyError where there is none."""
        return self._by_place[kind, path]

    def of_kind(self, kind: str) -> dict[str, NamedArray]:
        """All arrays of a kind, by path."""
        return {array.place.path: array for array in self.arrays if array.place.kind == kind}

    @property
    def param_classes(self) -> tuple[AxisClass, ...]:
        """The classes that hold dims of parameters, those with the most of them first."""
        held = [found for found in self.classes if found.members]
        return tuple(sorted(held, key=lambda found: -len(found.members)))

    @property
    def unsure(self) -> tuple[tuple[NamedArray, int], ...]:
        """Every parameter dim whose name is weak or a guess: not to be sharded on that name unasked."""
        params = self.of_kind("params").values()
        return tuple(
            (array, dim)
            for array in params
            for dim, named in enumerate(array.dims)
            if named.source in ("weak", "role")
        )
