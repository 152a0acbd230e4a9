"""Seconds of collectives, worked out by hand from the published formulas, and their laws."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.analysis.collective_time import collective_time
from axisrules.analysis.interconnect import Between, Interconnect, Place, Switch, Torus

MB = 10**6
NO_DCN = Between(1e9, 0.0)


def torus_network(
    sizes: tuple[int, ...], wraps: tuple[bool, ...], *, link: float = 45e9, hop: float = 0.0
) -> Interconnect:
    places = tuple(Place(coords=chip) for chip in product(*map(range, sizes)))
    return Interconnect(Torus(sizes, wraps, link, hop), NO_DCN, places)


def seconds(network: Interconnect, kind: str, payload: int, groups: list[list[int]]) -> float:
    return collective_time(kind, payload, tuple(map(tuple, groups)), network).seconds


V5E_4x4 = torus_network((4, 4), (False, False))
V5E_16x16 = torus_network((16, 16), (True, True))
ROW = [[0, 1, 2, 3]]
RING = [list(range(16))]


@pytest.mark.parametrize(
    ("network", "kind", "groups", "expected"),
    [
        # A line of 4: its end takes 3/4 of the array over one link.
        (V5E_4x4, "all-gather", ROW, 0.75 * 90 * MB / 45e9),
        (V5E_4x4, "reduce-scatter", ROW, 0.75 * 90 * MB / 45e9),
        (V5E_4x4, "all-reduce", ROW, 2 * 0.75 * 90 * MB / 45e9),
        # A ring of 16: two links in.
        (V5E_16x16, "all-gather", RING, 15 / 16 * 90 * MB / 90e9),
        # A whole 4x4: the corner has a link in each dim.
        (V5E_4x4, "all-gather", [list(range(16))], 15 / 16 * 90 * MB / 90e9),
        # A 16x16 torus: four links in.
        (V5E_16x16, "all-gather", [list(range(256))], 255 / 256 * 90 * MB / 180e9),
        # Every fourth chip of a ring, with three other groups on the same links.
        (
            V5E_16x16,
            "all-gather",
            [[start + step for step in (0, 4, 8, 12)] for start in range(4)],
            0.75 * 90 * MB / (90e9 / 4),
        ),
        # All-to-all of 90 MB a device: n * 90 MB / 4 over a ring's two links, over a line's one.
        (V5E_16x16, "all-to-all", RING, 16 * 90 * MB / 4 / 90e9),
        (V5E_4x4, "all-to-all", ROW, 4 * 90 * MB / 4 / 45e9),
        (V5E_4x4, "all-to-all", [[0, 1]], 90 * MB / 2 / 45e9),
        # Permutes: one hop; and a shift along a line, whose last message comes back the other way.
        (V5E_4x4, "collective-permute", [[0, 1]], 90 * MB / 45e9),
        (V5E_4x4, "collective-permute", [[0, 1], [1, 2], [2, 3], [3, 0]], 90 * MB / 45e9),
        (V5E_4x4, "collective-permute", [[0, 2], [1, 3]], 2 * 90 * MB / 45e9),
    ],
)
def test_on_a_torus(network: Interconnect, kind: str, groups: list[list[int]], expected: float) -> None:
    assert seconds(network, kind, 90 * MB, groups) == pytest.approx(expected)


def test_the_book_s_example() -> None:
    """bf16[2048, 8192] over 4 chips of v5e without wraparound: 560 us. "How to Scale Your Model"."""
    assert seconds(V5E_4x4, "all-gather", 2048 * 8192 * 2, ROW) == pytest.approx(560e-6, rel=0.01)


def test_latency_bounds_small_collectives() -> None:
    network = torus_network((4, 4), (False, False), hop=1e-6)
    assert seconds(network, "all-gather", 256 * 256 * 2, ROW) == pytest.approx(3e-6)
    ring = torus_network((16, 16), (True, True), hop=1e-6)
    assert seconds(ring, "all-gather", 16, RING) == pytest.approx(8e-6)
    assert seconds(ring, "all-reduce", 16, RING) == pytest.approx(16e-6)


def test_a_group_that_is_no_box_passes_its_parts_in_order() -> None:
    """A snake around a 2x2 corner is a box, but listed with a bend it is one hop a step as well."""
    snake = seconds(V5E_4x4, "all-gather", 90 * MB, [[0, 1, 5, 6]])
    assert snake == pytest.approx(0.75 * 90 * MB / 45e9)


def test_two_devices_of_one_chip_share_its_links() -> None:
    places = tuple(Place(coords=(x,), core=core) for x in range(4) for core in (0, 1))
    network = Interconnect(Torus((4,), (False,), 45e9, 0.0), NO_DCN, places)
    apart = seconds(network, "all-gather", 90 * MB, [[0, 2, 4, 6], [1, 3, 5, 7]])
    together = seconds(network, "all-gather", 90 * MB, [list(range(8))])
    assert apart == pytest.approx(0.75 * 90 * MB / 22.5e9)
    assert together == pytest.approx(0.75 * 90 * MB / 45e9)


def nodes(count: int, each: int = 8, hop: float = 0.0) -> Interconnect:
    places = tuple(Place(island=node) for node in range(count) for _ in range(each))
    return Interconnect(Switch(450e9, hop), Between(50e9, hop), places)


@pytest.mark.parametrize(
    ("network", "kind", "groups", "expected"),
    [
        (nodes(1), "all-gather", [list(range(8))], 7 / 8 * 90 * MB / 450e9),
        (nodes(1), "all-reduce", [[0, 1]], 2 * 90 * MB / 2 / 450e9),
        (nodes(1), "all-to-all", [list(range(8))], 7 / 8 * 90 * MB / 450e9),
        (nodes(4), "all-gather", [list(range(32))], max(7 / 8 / 450e9, 3 / 4 / 400e9) * 90 * MB),
        (nodes(4), "all-gather", [[0, 8, 16, 24]], 3 / 4 * 90 * MB / 50e9),
        (nodes(2), "all-to-all", [list(range(16))], 8 / 16 * 90 * MB / 50e9),
        (nodes(2), "collective-permute", [[0, 8]], 90 * MB / 50e9),
        (nodes(2), "collective-permute", [[0, 1]], 90 * MB / 450e9),
    ],
)
def test_through_switches(network: Interconnect, kind: str, groups: list[list[int]], expected: float) -> None:
    assert seconds(network, kind, 90 * MB, groups) == pytest.approx(expected)


def test_the_book_s_all_gather_of_a_node() -> None:
    """bf16[1024, 16384] over 8 H100s: 65 us. Source: "How to Scale Your Model", chapter on GPUs."""
    assert seconds(nodes(1), "all-gather", 2 * 1024 * 16384, [list(range(8))]) == pytest.approx(
        65e-6, rel=0.01
    )


def test_slices_are_joined_by_the_slower_network() -> None:
    places = tuple(Place(island=slice_, coords=(x,)) for slice_ in (0, 1) for x in range(4))
    network = Interconnect(Torus((4,), (False,), 45e9, 0.0), Between(3e9, 0.0), places)
    time = collective_time("all-reduce", 90 * MB, ((0, 1, 2, 3, 4, 5, 6, 7),), network)
    assert time.inside_seconds == pytest.approx(2 * 0.75 * 90 * MB / 45e9)
    assert time.between_seconds == pytest.approx(2 * 0.5 * 90 * MB / 12e9)
    assert set(time.links) == {"dcn", "ici:0+", "ici:0-"}


def test_nobody_to_talk_to_costs_nothing() -> None:
    assert seconds(V5E_4x4, "all-reduce", 90 * MB, [[0], [1]]) == 0.0
    assert seconds(V5E_4x4, "collective-permute", 90 * MB, [[0, 0]]) == 0.0


@given(
    st.sampled_from(["all-gather", "reduce-scatter", "all-reduce", "all-to-all"]),
    st.integers(0, 10**9),
    st.sampled_from([(4, 4), (2, 8), (16, 1), (8, 4)]),
    st.data(),
)
def test_more_bandwidth_is_never_slower_nor_is_less_to_send(kind, payload, sizes, data) -> None:
    wraps = tuple(data.draw(st.booleans()) for _ in sizes)
    slow, fast = (torus_network(sizes, wraps, link=link, hop=1e-6) for link in (45e9, 90e9))
    count = sizes[0] * sizes[1]
    members = data.draw(st.sets(st.integers(0, count - 1), min_size=2, max_size=count))
    groups = [sorted(members)]
    assert seconds(fast, kind, payload, groups) <= seconds(slow, kind, payload, groups)
    assert seconds(slow, kind, payload // 2, groups) <= seconds(slow, kind, payload, groups)


@given(st.integers(1, 10**9), st.sampled_from([(4, 4), (2, 8), (8, 4)]))
def test_a_ring_is_never_slower_than_a_line(payload: int, sizes: tuple[int, int]) -> None:
    group = [list(range(sizes[0] * sizes[1]))]
    line, ring = (torus_network(sizes, (wrap, wrap), hop=1e-6) for wrap in (False, True))
    for kind in ("all-gather", "all-reduce", "all-to-all"):
        assert seconds(ring, kind, payload, group) <= seconds(line, kind, payload, group)


@given(st.integers(1, 10**9))
def test_an_all_reduce_is_a_reduce_scatter_and_an_all_gather(payload: int) -> None:
    both = seconds(V5E_4x4, "reduce-scatter", payload, ROW) + seconds(V5E_4x4, "all-gather", payload, ROW)
    assert seconds(V5E_4x4, "all-reduce", payload, ROW) == pytest.approx(both)
