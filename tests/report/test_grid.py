from collections import Counter
from itertools import product

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from axisrules.mesh import parse_mesh, parse_target
from axisrules.report.layout_page import coordinate_names
from axisrules.report.page import chip_grid, draw_mesh, leaf_facts, mesh_grid
from axisrules.report.page.drawing import block_of
from axisrules.report.page.grid import MAX_DEVICES
from axisrules.report.page.leaves import cuts
from tests.report.conftest import plan_of

SIZES = st.lists(st.integers(1, 5), min_size=1, max_size=4)


@given(SIZES)
def test_every_device_is_drawn_once_and_no_two_in_one_place(sizes):
    names = ("slice", "x", "y", "z")[-len(sizes) :]
    coords = list(product(*map(range, sizes)))
    grid = chip_grid(coords, names)
    drawn = [(plane.title, cell.column, cell.row) for plane in grid.planes for cell in plane.cells]
    assert len(set(drawn)) == len(drawn)
    assert sorted(cell.device for plane in grid.planes for cell in plane.cells) == list(range(len(coords)))
    assert len(grid.places) == len(coords)


def test_x_runs_across_and_y_down_whatever_the_order_of_devices():
    coords = [(x, y, z) for x in range(2) for y in range(3) for z in range(4)]
    grid = chip_grid(coords, ("x", "y", "z"))
    assert [plane.title for plane in grid.planes] == ["z 0", "z 1", "z 2", "z 3"]
    for plane in grid.planes:
        for cell in plane.cells:
            x, y, z = coords[cell.device]
            assert (cell.column, cell.row, plane.title) == (x, y, f"z {z}")


def test_slices_and_cores_keep_apart():
    coords = list(product(range(2), range(2), range(2), range(1), range(2)))
    grid = chip_grid(coords, ("slice", "x", "y", "z", "core"))
    assert [plane.title for plane in grid.planes] == ["slice 0", "slice 1"]
    assert grid.planes[0].columns == ("0.0", "0.1", "1.0", "1.1")


@pytest.mark.parametrize("mesh", ["data=8", "data=3,tensor=5", "a=2,b=3,c=4", "a=2,b=100", "a=1", "a=1,b=2"])
def test_a_mesh_of_unknown_chips_is_drawn_whole(mesh):
    spec = parse_mesh(mesh)
    grid = mesh_grid(spec)
    counted = Counter(cell.device for plane in grid.planes for cell in plane.cells)
    assert counted == dict.fromkeys(range(spec.device_count), 1)
    assert max(len(plane.columns) for plane in grid.planes) <= 16


def test_a_huge_mesh_is_drawn_in_part_and_says_so():
    grid = chip_grid(list(product(range(16), range(16), range(16))), ("x", "y", "z"))
    assert grid.drawn_count == MAX_DEVICES
    mesh = parse_mesh("data=4096")
    assert draw_mesh(grid, mesh, (), None).left_out == 4096 - MAX_DEVICES


@pytest.mark.parametrize("mesh", ["fsdp=2,tensor=4", "fsdp=8,tensor=1", "tensor=2,fsdp=4"])
def test_devices_with_one_number_hold_what_jax_says_they_share(mesh):
    plan = plan_of("fsdp_tp", mesh)
    devices = np.array(jax.devices()).reshape([size for _, size in plan.mesh.sizes])
    over = Mesh(devices, [name for name, _ in plan.mesh.sizes])
    for leaf_plan in plan.leaves:
        sharding = NamedSharding(over, PartitionSpec(*leaf_plan.spec))
        held = sharding.devices_indices_map(leaf_plan.leaf.shape)
        by_block: dict[int, set[str]] = {}
        for number, device in enumerate(devices.flat):
            by_block.setdefault(block_of(number, plan.mesh, cuts(leaf_plan)), set()).add(str(held[device]))
        assert all(len(indices) == 1 for indices in by_block.values())
        assert len(set.union(*by_block.values())) == len(by_block) == leaf_plan.ways


def test_links_that_close_a_ring_run_on_past_the_edge():
    plan = plan_of("fsdp", "fsdp=8")
    grid = chip_grid(list(product(range(4), range(2))), ("x", "y"))
    ends = {}
    for wraps in (True, False):
        drawing = draw_mesh(grid, plan.mesh, leaf_facts(plan), (wraps, wraps))
        row = drawing.planes[0].wires.split("M")[1]
        ends[wraps] = float(row.split(" ")[0]), float(row.split("H")[1])
    cell = drawing.planes[0].squares[1].x
    assert ends[True][0] < drawing.planes[0].squares[0].x < ends[False][0]
    assert ends[False][1] < drawing.planes[0].width - 22 < ends[True][1]
    assert draw_mesh(grid, plan.mesh, (), None).planes[0].wires == ""
    assert cell > 0


def test_coordinates_are_named_by_what_the_target_has():
    assert coordinate_names(parse_target("tpu:v5e:4x4"), ((0, 0), (1, 0))) == ("x", "y")
    assert coordinate_names(parse_target("tpu:v5p:4x4x4"), ((0, 0, 0), (1, 0, 0))) == ("x", "y", "z")
    assert coordinate_names(parse_target("tpu:tpu7x:2x2x1"), ((0, 0, 0, 1),)) == ("x", "y", "z", "core")
    two = parse_target("tpu:v5e:4x4", slices=2)
    assert coordinate_names(two, ((0, 0, 0), (1, 0, 0))) == ("slice", "x", "y")
    assert coordinate_names(two, ((0, 0, 0), (0, 0, 0))) == (), "two devices in one place"
    assert coordinate_names(parse_target("gpu:h100:1x8"), ((0, 0), (0, 1))) == ("node", "gpu")
    assert coordinate_names(None, ((0, 0),)) == ()
