"""The mesh shapes that a target and a program allow: every way to share its devices among the mesh axes."""

from collections.abc import Iterator, Sequence
from math import prod

from axisrules.axes import MeshAxis
from axisrules.mesh import Target
from axisrules.search.constraints import Constraints
from axisrules.search.roles import Roles
from axisrules.search.table import CONTEXT, DATA, EXPERT, FSDP, ROW_AXES, STAGE, TENSOR

Sizes = dict[MeshAxis, int]


def meshes(roles: Roles, target: Target, constraints: Constraints) -> Iterator[Sizes]:
    """Sizes by mesh axis, major to minor, whose product is the target's devices.

    A torus carries every one of them: its dims split into the same prime factors as the mesh's.
    """
    wholes = dict(_axes(roles, target.device_count))
    for sizes in factorisations(tuple(wholes), target.device_count):
        fits = all(not wholes[axis] or wholes[axis] % size == 0 for axis, size in sizes.items())
        if fits and all(constraints.allows_size(axis, size) for axis, size in sizes.items()):
            yield sizes


def crossings(sizes: Sizes, target: Target) -> tuple[tuple[str, int], ...]:
    """Which mesh axis may go over the target's slices: each that they divide, but never `tensor`.

    GPUs need no such choice: what is outermost goes over their nodes.
    """
    if target.slices == 1:
        return (("", 1),)
    able = [axis for axis, size in sizes.items() if size % target.slices == 0 and axis != TENSOR]
    return tuple((axis, target.slices) for axis in able)


def fits_rows(sizes: Sizes, roles: Roles) -> bool:
    """Whether every device gets as many of the batch's rows as any other."""
    return roles.sizes[roles.rows] % prod(sizes.get(axis, 1) for axis in ROW_AXES) == 0


def _axes(roles: Roles, devices: int) -> list[tuple[MeshAxis, int]]:
    """The mesh axes that this program can use, each with what its size must divide; 0 for anything."""
    axes = [(STAGE, roles.sizes[roles.layers])] if roles.layers else []
    axes.append((DATA, 0))
    axes += [(FSDP, 0)] if roles.cover else []
    axes += [(EXPERT, roles.sizes[roles.experts])] if roles.experts else []
    # A sequence is cut when there are not rows enough to go around.
    if roles.positions and roles.sizes[roles.rows] % devices:
        axes.append((CONTEXT, roles.sizes[roles.positions]))
    return axes + ([(TENSOR, max(roles.sizes[axis] for axis in roles.inner))] if roles.groups else [])


def factorisations(axes: Sequence[MeshAxis], devices: int) -> Iterator[Sizes]:
    """Every way to share so many devices among some mesh axes, each with its size.

    >>> list(factorisations(("data", "tensor"), 4))
    [{'data': 1, 'tensor': 4}, {'data': 2, 'tensor': 2}, {'data': 4, 'tensor': 1}]
    """
    if len(axes) < 2:
        if axes or devices == 1:
            yield dict.fromkeys(axes, devices)
        return
    sizes = [size for size in range(1, devices + 1) if devices % size == 0]
    # What lies over `fsdp` alone comes first: it is what is most likely to fit.
    for size in reversed(sizes) if axes[0] == FSDP else sizes:
        for rest in factorisations(axes[1:], devices // size):
            yield {axes[0]: size, **rest}
