"""Three spellings of the same groups, against numpy's own reshapes and transposes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from axisrules.analysis.replica_groups import groups_of_pairs, read_groups, read_pairs

MESHES = st.lists(st.integers(1, 4), min_size=1, max_size=4)


def as_sets(groups: object) -> set[frozenset[int]]:
    return {frozenset(int(device) for device in group) for group in groups}  # type: ignore[attr-defined]


@given(MESHES, st.data())
def test_the_three_spellings_agree_with_numpy(sizes: list[int], data: st.DataObject) -> None:
    places = range(len(sizes))
    grouped = data.draw(st.lists(st.sampled_from(places), min_size=1, unique=True))
    rest = [place for place in places if place not in grouped]
    count = int(np.prod(sizes))
    expected = np.arange(count).reshape(sizes).transpose(rest + grouped)
    expected = expected.reshape(-1, int(np.prod([sizes[place] for place in grouped])))

    listed = "{" + ",".join("{" + ",".join(map(str, row)) + "}" for row in expected) + "}"
    order = ",".join(map(str, rest + grouped))
    iota = f"[{expected.shape[0]},{expected.shape[1]}]<=[{','.join(map(str, sizes))}]T({order})"
    axes = ",".join(f"'axis_{place}'={size}" for place, size in enumerate(sizes))
    used = ",".join(f"'axis_{place}'" for place in grouped)
    for text in (listed, iota, f"mesh[{axes}] {{{used}}}"):
        assert as_sets(read_groups(text, count)) == as_sets(expected)


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_part_of_an_axis_is_the_piece_behind_its_first_pieces(
    before: int, ways: int, after: int, other: int
) -> None:
    size = before * ways * after
    expected = (
        np.arange(size * other).reshape(before, ways, after, other).transpose(0, 2, 3, 1).reshape(-1, ways)
    )
    text = f"mesh['a'={size},'b'={other}] {{'a':({before}){ways}}}"
    assert as_sets(read_groups(text, size * other)) == as_sets(expected)


def test_a_mesh_may_list_its_devices_in_another_order() -> None:
    expected = [[0, 1], [2, 3]]
    assert as_sets(read_groups("mesh['a'=2,'b'=2], device_ids=([2,2]T(1,0)) {'a'}", 4)) == as_sets(expected)
    assert as_sets(read_groups("mesh['a'=2,'b'=2], device_ids=(0,2,1,3) {'a'}", 4)) == as_sets(expected)


def test_no_groups_are_one_of_all() -> None:
    assert read_groups("{}", 3) == ((0, 1, 2),)
    assert read_groups("", 2) == ((0, 1),)
    assert read_groups("[8]<=[8]", 8) == (tuple(range(8)),)


@given(st.permutations(range(6)), st.integers(1, 3))
def test_pairs_join_into_rings(order: list[int], rings: int) -> None:
    """A permutation made of rings of equal length gives these rings as its groups."""
    parts = [part for part in np.array_split(order, rings) if len(part) > 1]
    pairs = [(int(part[i]), int(part[(i + 1) % len(part)])) for part in parts for i in range(len(part))]
    text = "{" + ",".join(f"{{{source},{target}}}" for source, target in pairs) + "}"
    assert read_pairs(text) == tuple(pairs)
    assert as_sets(groups_of_pairs(read_pairs(text))) == as_sets(parts)
