"""Groups of devices named by the mesh axes, or the parts of mesh axes, that they run along."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

from axisrules.analysis.replica_groups import Groups
from axisrules.axes import MeshAxis
from axisrules.mesh import MeshSpec


@dataclass(frozen=True)
class AxisPart:
    """The part of a mesh axis that a collective runs over: `ways` devices, `stride` apart along the axis.

    The whole axis where `ways` is `size`. Prints as `tensor`, or as `tensor[2 of 8, stride 4]`.
    """

    mesh_axis: MeshAxis
    ways: int
    stride: int
    size: int

    @property
    def is_whole(self) -> bool:
        """Whether the collective runs over the whole axis."""
        return self.ways == self.size

    def __str__(self) -> str:
        if self.is_whole:
            return self.mesh_axis
        return f"{self.mesh_axis}[{self.ways} of {self.size}, stride {self.stride}]"


@dataclass(frozen=True)
class _Digit:
    """A prime factor of an axis: positions along the axis are numbers written in such digits."""

    mesh_axis: MeshAxis
    base: int
    stride: int  # along the axis


def axis_parts(groups: Groups, sizes: Sequence[tuple[MeshAxis, int]]) -> tuple[AxisPart, ...]:
    """The axes that `groups` of positions in a mesh of `sizes` (major to minor) run along, major to minor.

    Exact where every group holds all positions that differ in some axes or parts of axes and agree
    in the rest. Other groups, which no sharding produces, are named by all axes in which any of their
    members differ. Groups of one device run along nothing.
    """
    groups = tuple(group for group in groups if len(group) > 1)
    if not groups:
        return ()
    candidates = _digit_systems(tuple(sizes))
    for digits in candidates:
        varying = _varying(groups[:1], digits)
        if all(_spans(group, digits, varying) for group in groups):
            return _parts(digits, varying, dict(sizes))
    return _parts(candidates[0], _varying(groups, candidates[0]), dict(sizes))


def slice_of_positions(mesh: MeshSpec) -> tuple[int, ...]:
    """For every position in the mesh the slice it lies in, by the mesh's `slices`; 0 without slices."""
    across = dict(mesh.slices)
    numbers: list[int] = []
    for coordinates in product(*(range(size) for _, size in mesh.sizes)):
        number = 0
        for (name, size), coordinate in zip(mesh.sizes, coordinates, strict=True):
            number = number * across.get(name, 1) + coordinate // (size // across.get(name, 1))
        numbers.append(number)
    return tuple(numbers)


@cache
def _digit_systems(sizes: tuple[tuple[MeshAxis, int], ...]) -> tuple[tuple[_Digit, ...], ...]:
    """Every way to write a position in prime digits; more than one where an axis has several primes."""
    return tuple(
        tuple(
            _Digit(name, base, math.prod(order[place + 1 :]))
            for (name, _), order in zip(sizes, orders, strict=True)
            for place, base in enumerate(order)
        )
        for orders in product(*(tuple(_orders(_primes(size))) for _, size in sizes))
    )


def _primes(size: int) -> tuple[int, ...]:
    found: list[int] = []
    factor = 2
    while size > 1:
        while size % factor == 0:
            found.append(factor)
            size //= factor
        factor += 1
    return tuple(found)


def _orders(primes: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Every different order of the primes."""
    if not primes:
        yield ()
    for prime in sorted(set(primes)):
        place = primes.index(prime)
        for rest in _orders(primes[:place] + primes[place + 1 :]):
            yield (prime, *rest)


def _written(position: int, digits: tuple[_Digit, ...]) -> tuple[int, ...]:
    values: list[int] = []
    for digit in reversed(digits):
        position, value = divmod(position, digit.base)
        values.append(value)
    return tuple(reversed(values))


def _varying(groups: Groups, digits: tuple[_Digit, ...]) -> frozenset[int]:
    """The places in which members of one group differ."""
    found: set[int] = set()
    for group in groups:
        columns = zip(*(_written(position, digits) for position in group), strict=True)
        found |= {place for place, values in enumerate(columns) if len(set(values)) > 1}
    return frozenset(found)


def _spans(group: tuple[int, ...], digits: tuple[_Digit, ...], varying: frozenset[int]) -> bool:
    """Whether the group is exactly the positions that differ in `varying` and agree elsewhere."""
    is_full = len(set(group)) == math.prod(digits[place].base for place in varying)
    return is_full and _varying((group,), digits) <= varying


def _parts(
    digits: tuple[_Digit, ...], varying: frozenset[int], sizes: dict[MeshAxis, int]
) -> tuple[AxisPart, ...]:
    return tuple(
        AxisPart(
            run[0].mesh_axis, math.prod(digit.base for digit in run), run[-1].stride, sizes[run[0].mesh_axis]
        )
        for run in _runs(digits, varying)
    )


def _runs(digits: tuple[_Digit, ...], varying: frozenset[int]) -> Iterator[list[_Digit]]:
    """Neighbouring varying digits of the same axis, together."""
    run: list[_Digit] = []
    for place, digit in enumerate(digits):
        if run and (place not in varying or digit.mesh_axis != run[0].mesh_axis):
            yield run
            run = []
        if place in varying:
            run.append(digit)
    if run:
        yield run
