"""Groups and messages on a torus, against brute force."""

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.analysis.interconnect import Span, Torus, link_loads, spans_of


def torus(sizes: tuple[int, ...], *wraps: bool) -> Torus:
    return Torus(sizes, wraps or (False,) * len(sizes), 1e9, 1e-6)


@pytest.mark.parametrize(
    ("sizes", "wraps", "chips", "spans"),
    [
        ((4, 4), (False, False), [(x, 0) for x in range(4)], (Span(0, 4, 1, False),)),
        ((16, 16), (True, True), [(3, y) for y in range(16)], (Span(1, 16, 1, True),)),
        ((16, 16), (True, True), [(3, y) for y in range(8)], (Span(1, 8, 1, False),)),
        ((16, 16), (True, True), [(3, y) for y in range(0, 16, 4)], (Span(1, 4, 4, True),)),
        (
            (2, 4),
            (False, False),
            list(product(range(2), range(4))),
            (Span(0, 2, 1, False), Span(1, 4, 1, False)),
        ),
        ((2, 4), (True, True), [(0, 1), (1, 1)], (Span(0, 2, 1, False),)),
        ((4, 4), (False, False), [(1, 1)], ()),
        ((4, 4), (False, False), [(0, 0), (1, 1)], None),
        ((8, 1), (False, False), [(0, 0), (1, 0), (3, 0)], None),
    ],
)
def test_spans(sizes, wraps, chips, spans) -> None:
    assert spans_of(torus(sizes, *wraps), chips) == spans


@st.composite
def toruses(draw: st.DrawFn) -> Torus:
    sizes = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    return torus(sizes, *[draw(st.booleans()) for _ in sizes])


@given(toruses(), st.data())
def test_the_spans_of_a_box_are_its_members(grid: Torus, data: st.DataObject) -> None:
    """Whatever box is drawn, the spans alone rebuild its chips."""
    values = []
    for size in grid.sizes:
        start = data.draw(st.integers(0, size - 1))
        stride = data.draw(st.integers(1, size))
        values.append(list(range(start, size, stride)))
    chips = list(product(*values))
    spans = spans_of(grid, chips)
    assert spans is not None
    assert math.prod(span.count for span in spans) == len(chips)
    first = min(chips)
    rebuilt = {first}
    for span in spans:
        rebuilt = {
            (*chip[: span.dim], chip[span.dim] + step * span.stride, *chip[span.dim + 1 :])
            for chip in rebuilt
            for step in range(span.count)
        }
    assert rebuilt == set(chips)


def shortest(grid: Torus, source: tuple[int, ...], target: tuple[int, ...]) -> int:
    """Hops between two chips, by walking outwards over every link that exists."""
    seen, edge, hops = {source}, {source}, 0
    while target not in seen:
        hops += 1
        edge = {near for chip in edge for near in neighbours(grid, chip)} - seen
        seen |= edge
    return hops


def neighbours(grid: Torus, chip: tuple[int, ...]) -> list[tuple[int, ...]]:
    found = []
    for dim, size in enumerate(grid.sizes):
        for step in (1, -1):
            value = chip[dim] + step
            if grid.wraps[dim]:
                value %= size
            if 0 <= value < size:
                found.append((*chip[:dim], value, *chip[dim + 1 :]))
    return found


@given(toruses(), st.data())
def test_one_message_loads_each_link_of_a_shortest_way(grid: Torus, data: st.DataObject) -> None:
    """No direction of a dim carries a message more than once; its way is as short as brute force finds."""
    source = tuple(data.draw(st.integers(0, size - 1)) for size in grid.sizes)
    target = tuple(data.draw(st.integers(0, size - 1)) for size in grid.sizes)
    loads = link_loads(grid, [(source, target)])
    assert (not loads) == (source == target)
    assert all(0 < load <= 1 for load in loads.values())
    straight = sum(
        min((t - s) % size, (s - t) % size) if grid.is_ring(dim) else abs(s - t)
        for dim, (s, t, size) in enumerate(zip(source, target, grid.sizes, strict=True))
    )
    assert straight == shortest(grid, source, target)


def test_a_shift_around_a_ring_loads_every_link_once() -> None:
    ring = torus((4,), True)
    pairs = [((x,), ((x + 1) % 4,)) for x in range(4)]
    assert link_loads(ring, pairs) == {"ici:0+": 1.0}


def test_a_shift_along_a_line_comes_back_over_all_of_it() -> None:
    line = torus((4,))
    pairs = [((x,), ((x + 1) % 4,)) for x in range(4)]
    assert link_loads(line, pairs) == {"ici:0+": 1.0, "ici:0-": 1.0}


def test_interleaved_shifts_share_links() -> None:
    line = torus((8,))
    pairs = [((x,), (x + 2,)) for x in range(6)]
    assert link_loads(line, pairs) == {"ici:0+": 2.0}


def test_halfway_around_a_ring_a_message_is_cut_in_two() -> None:
    assert link_loads(torus((4,), True), [((0,), (2,))]) == {"ici:0+": 0.5, "ici:0-": 0.5}
