"""One array of a program as the resolver sees it, and the same array once it is laid out."""

import math
from dataclasses import dataclass

from axisrules.axes import AxisNames
from axisrules.resolve.resolution import Resolution, Spec
from axisrules.rules import Kind


@dataclass(frozen=True, slots=True)
class Leaf:
    """An array by its `/`-joined path, kind, shape, dtype name, bytes per element and logical axes.

    `logical_axes` is None where nothing names the dims; such an array is replicated and reported.
    """

    path: str
    kind: Kind
    shape: tuple[int, ...]
    dtype: str
    itemsize: int
    logical_axes: AxisNames | None = None

    @property
    def bytes(self) -> int:
        """Bytes of the whole array."""
        return math.prod(self.shape) * self.itemsize


@dataclass(frozen=True, slots=True)
class LeafPlan:
    """An array with its spec and the reason for every dim."""

    leaf: Leaf
    resolution: Resolution

    @property
    def path(self) -> str:
        """The `/`-joined path of the array."""
        return self.leaf.path

    @property
    def spec(self) -> Spec:
        """One tuple of mesh axes per dim."""
        return self.resolution.spec

    @property
    def ways(self) -> int:
        """Into how many pieces the whole array is cut."""
        return math.prod(reason.ways for reason in self.resolution.dims)

    @property
    def local_shape(self) -> tuple[int, ...]:
        """The shape that one device holds."""
        dims = zip(self.leaf.shape, self.resolution.dims, strict=True)
        return tuple(size // reason.ways for size, reason in dims)

    @property
    def bytes_per_device(self) -> int:
        """Bytes that one device holds."""
        return math.prod(self.local_shape) * self.leaf.itemsize
