"""Groups named by mesh axes, against groups cut from a numpy grid along those axes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.analysis.mesh_axes import axis_parts, slice_of_positions
from axisrules.mesh import parse_mesh

NAMES = ("data", "fsdp", "tensor")


@given(st.lists(st.integers(1, 6), min_size=1, max_size=3), st.data())
def test_groups_along_whole_axes_are_named_by_them(sizes: list[int], data: st.DataObject) -> None:
    names = NAMES[: len(sizes)]
    grouped = data.draw(st.lists(st.sampled_from(range(len(sizes))), unique=True))
    grid = np.moveaxis(np.arange(np.prod(sizes)).reshape(sizes), grouped, range(-len(grouped), 0))
    groups = grid.reshape(-1, int(np.prod([sizes[place] for place in grouped])))
    mesh = parse_mesh(dict(zip(names, sizes, strict=True)))
    parts = axis_parts(tuple(tuple(map(int, row)) for row in groups), mesh.sizes)
    assert [part.mesh_axis for part in parts] == [
        names[place] for place in sorted(grouped) if sizes[place] > 1
    ]
    assert all(part.is_whole and str(part) == part.mesh_axis for part in parts)


@given(st.integers(1, 4), st.integers(2, 4), st.integers(1, 4), st.integers(1, 3))
def test_groups_along_part_of_an_axis_say_which(before: int, ways: int, after: int, other: int) -> None:
    size = before * ways * after
    grid = np.arange(size * other).reshape(before, ways, after, other)
    groups = np.moveaxis(grid, 1, -1).reshape(-1, ways)
    mesh = parse_mesh({"fsdp": size, "tensor": other})
    (part,) = axis_parts(tuple(tuple(map(int, row)) for row in groups), mesh.sizes)
    assert (part.mesh_axis, part.ways, part.stride, part.size) == ("fsdp", ways, after, size)
    assert part.is_whole == (before * after == 1)


def test_parts_print_what_they_take() -> None:
    (part,) = axis_parts(((0, 4), (1, 5), (2, 6), (3, 7)), parse_mesh("fsdp=8").sizes)
    assert str(part) == "fsdp[2 of 8, stride 4]"


@pytest.mark.parametrize("groups", [((0, 1, 2),), ((0, 3), (1, 2)), ((0, 1, 2, 3), (4, 5, 6))])
def test_groups_of_no_shape_are_still_named(groups: tuple[tuple[int, ...], ...]) -> None:
    assert [part.mesh_axis for part in axis_parts(groups, parse_mesh("data=2,tensor=4").sizes)] == ["tensor"]


def test_groups_of_one_run_along_nothing() -> None:
    assert axis_parts(((0,), (1,)), parse_mesh("data=2").sizes) == ()


def test_thousands_of_devices_take_no_time() -> None:
    mesh = parse_mesh("data=16,fsdp=64,tensor=16")
    parts = axis_parts((tuple(range(mesh.device_count)),), mesh.sizes)
    assert [str(part) for part in parts] == ["data", "fsdp", "tensor"]


def test_slices_cut_the_major_end_of_an_axis() -> None:
    mesh = parse_mesh("data=4,tensor=2,slices:data=2")
    assert slice_of_positions(mesh) == (0, 0, 0, 0, 1, 1, 1, 1)
    both = parse_mesh("data=2,fsdp=4,slices:data=2,slices:fsdp=2")
    assert slice_of_positions(both) == (0, 0, 1, 1, 2, 2, 3, 3)
    assert slice_of_positions(parse_mesh("data=3")) == (0, 0, 0)
