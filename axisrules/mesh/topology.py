"""Arrangements of chips: which exist, which are near one that does not, and where links close a ring."""

import math
import re
from itertools import combinations_with_replacement

from axisrules.mesh.chips import SliceShapes

CUBE_EDGE = 4
TWISTED = "_twisted"

_TEXT = re.compile(r"(?P<sizes>[1-9][0-9]{0,4}(x[1-9][0-9]{0,4}){1,2})(?P<twisted>_twisted)?", re.ASCII)

Topology = tuple[int, ...]


def read_topology(text: str) -> tuple[Topology, bool] | None:
    """The sizes that `4x4x8_twisted` gives and whether the torus is twisted; None for another form.

    >>> read_topology("4x4x8_twisted")
    ((4, 4, 8), True)
    """
    match = _TEXT.fullmatch(text)
    if not match:
        return None
    return tuple(int(size) for size in match["sizes"].split("x")), match["twisted"] is not None


def topology_text(sizes: Topology) -> str:
    """The sizes as one writes them.

    >>> topology_text((4, 4, 8))
    '4x4x8'
    """
    return "x".join(map(str, sizes))


def is_offered(sizes: Topology, shapes: SliceShapes, *, is_twisted: bool = False) -> bool:
    """Whether chips of these `shapes` come in the arrangement `sizes`.

    A torus can be twisted where its dims are k, k, 2k or k, 2k, 2k.
    Source: https://cloud.google.com/tpu/docs/v4, "3D mesh and 3D torus".
    """
    if is_twisted and not (is_cubes(sizes, shapes) and sizes[2] == 2 * sizes[0] and sizes[1] in sizes[::2]):
        return False
    if shapes.per_node:
        return len(sizes) == 2 and sizes[1] <= shapes.per_node and math.prod(sizes) <= shapes.largest
    return topology_text(sizes) in shapes.listed or is_cubes(sizes, shapes)


def is_cubes(sizes: Topology, shapes: SliceShapes) -> bool:
    """Whether `sizes` are whole cubes of 4 x 4 x 4 chips, small dims first, joined by optical switches."""
    return (
        shapes.cubes
        and len(sizes) == shapes.rank
        and all(size % CUBE_EDGE == 0 for size in sizes)
        and list(sizes) == sorted(sizes)
        and math.prod(sizes) <= shapes.largest
    )


def wrapped_dims(sizes: Topology, shapes: SliceShapes) -> tuple[bool, ...]:
    """For each torus dim, whether its links close a ring.

    Whole cubes are closed in every dim by optical switches, and anything smaller in none; a flat torus is
    closed in the dims that span the whole pod.
    Source: https://jax-ml.github.io/scaling-book/tpus/, "TPU Networking".

    >>> wrapped_dims((8, 16), SliceShapes(rank=2, largest=256, edge=16))
    (False, True)
    """
    if is_cubes(sizes, shapes):
        return (True,) * len(sizes)
    return tuple(size == shapes.edge for size in sizes)


def near_topologies(sizes: Topology, shapes: SliceShapes, count: int = 6) -> tuple[str, ...]:
    """The offered arrangements with the number of chips closest to that of `sizes`, nearest first."""

    def distance(offered: Topology) -> tuple[float, int, Topology]:
        ratio = abs(math.log(math.prod(offered) / math.prod(sizes)))
        apart = sum(abs(a - b) for a, b in zip(sorted(offered), sorted(sizes), strict=False))
        return (ratio, apart, offered)

    return tuple(topology_text(offered) for offered in sorted(_offered(shapes), key=distance)[:count])


def offered_topologies(shapes: SliceShapes) -> tuple[Topology, ...]:
    """One arrangement for every number of chips on offer, the most compact one, fewest chips first.

    >>> offered_topologies(SliceShapes(rank=2, largest=8, listed=("1x1", "2x4", "2x2")))
    ((1, 1), (2, 2), (2, 4))
    """
    compact: dict[int, Topology] = {}
    for sizes in sorted(_offered(shapes), key=lambda one: (math.prod(one), sum(one), one)):
        compact.setdefault(math.prod(sizes), sizes)
    return tuple(compact.values())


def _offered(shapes: SliceShapes) -> set[Topology]:
    """Every arrangement of a TPU; of a GPU, whole nodes up to the largest and parts of one node."""
    offered = {tuple(map(int, text.split("x"))) for text in shapes.listed}
    if shapes.per_node:
        powers = int(math.log2(shapes.largest // shapes.per_node)) + 1
        offered |= {(2**power, shapes.per_node) for power in range(powers)}
    if shapes.cubes:
        longest = shapes.largest // CUBE_EDGE**2
        edges = range(CUBE_EDGE, longest + 1, CUBE_EDGE)
        offered |= {
            sizes
            for sizes in combinations_with_replacement(edges, shapes.rank)
            if math.prod(sizes) <= shapes.largest
        }
    return offered
