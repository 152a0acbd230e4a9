import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from axisrules.axes import LogicalAxis
from axisrules.mesh import parse_mesh
from axisrules.report.leaf_words import picture_caption
from axisrules.report.picture import Picture, Range, device_list, draw, most_cut
from axisrules.report.picture_html import picture_html
from axisrules.report.picture_text import picture_text
from axisrules.resolve import Leaf, LeafPlan, survey
from axisrules.rules import parse_rules

MESHES = ("data=8", "data=2,tensor=4", "data=2,fsdp=2,tensor=2", "data=1,tensor=8")


@st.composite
def laid_out(draw_from):
    """An array of up to four dims, each over some mesh axes that no other dim has."""
    mesh = parse_mesh(draw_from(st.sampled_from(MESHES)))
    rank = draw_from(st.integers(0, 4))
    owner = {name: draw_from(st.integers(0, 4)) for name, _ in mesh.sizes}
    rules = {f"d{dim}": [name for name in owner if owner[name] == dim] for dim in range(rank)}
    shape = tuple(8 * draw_from(st.integers(1, 3)) for _ in range(rank))
    leaf = Leaf("x", "params", shape, "float32", 4, tuple(LogicalAxis(name) for name in rules))
    return survey([leaf], parse_rules({"rules": rules or {"d0": []}}), mesh).leaves[0], mesh


def blocks(picture: Picture, rank: int) -> dict[int, tuple[Range | None, ...]]:
    """The ranges of each dim that the picture says a device holds; None where it says nothing."""
    held = {}
    for panel in picture.panels:
        for r, row in enumerate(panel.cells):
            for c, devices in enumerate(row):
                ranges: list[Range | None] = [None] * rank
                for side, chosen in panel.fixed:
                    ranges[side.dim] = chosen
                if picture.rows:
                    ranges[picture.rows.dim] = picture.rows.ranges[r]
                if picture.columns:
                    ranges[picture.columns.dim] = picture.columns.ranges[c]
                held.update(dict.fromkeys(devices, tuple(ranges)))
    return held


@given(laid_out())
def test_every_device_holds_the_block_that_jax_gives_it(case):
    leaf_plan, spec = case
    shape = leaf_plan.leaf.shape
    devices = np.array(jax.devices()).reshape([size for _, size in spec.sizes])
    mesh = Mesh(devices, [name for name, _ in spec.sizes])
    truth = NamedSharding(mesh, PartitionSpec(*leaf_plan.spec)).devices_indices_map(shape)
    drawn = blocks(draw(leaf_plan, spec), len(shape))
    assert sorted(drawn) == list(range(8))
    for number, device in enumerate(devices.flat):
        for dim, (mine, theirs) in enumerate(zip(drawn[number], truth[device], strict=True)):
            start, stop, _ = theirs.indices(shape[dim])
            assert (mine or (0, shape[dim])) == (start, stop)


def one(table: dict[str, object], mesh: str, *shape: int) -> tuple[LeafPlan, Picture]:
    spec = parse_mesh(mesh)
    leaf = Leaf("x", "params", shape, "float32", 4, tuple("abcd"[: len(shape)]))
    leaf_plan = survey([leaf], parse_rules({"rules": table}), spec).leaves[0]
    return leaf_plan, draw(leaf_plan, spec)


def test_replicas_share_a_cell():
    _, picture = one({"a": "t"}, "d=2,t=4", 8)
    assert picture.panels[0].cells == (((0, 4), (1, 5), (2, 6), (3, 7)),)
    assert picture.copies == 2


def test_what_is_not_cut_is_one_block():
    _, picture = one({"a": []}, "t=4", 8)
    assert picture.block_count == 1
    assert "every device" in picture_caption(picture)


def test_a_third_cut_dim_makes_panels():
    _, picture = one({"a": "x", "b": "y", "c": "z"}, "x=2,y=2,z=2", 4, 4, 4)
    assert [panel.fixed[0][1] for panel in picture.panels] == [(0, 2), (2, 4)]


@pytest.mark.parametrize("width", [20, 40, 80])
def test_a_picture_keeps_within_the_terminal(width):
    _, picture = one({"a": "x", "b": "y"}, "x=64,y=64", 4096, 4096)
    lines = [line.plain for line in picture_text(picture, width) if hasattr(line, "plain")]
    assert max(map(len, lines)) <= max(width, 40)
    assert any("more columns" in line for line in lines)
    assert any("more rows" in line for line in lines)


def test_a_huge_mesh_makes_no_huge_html():
    _, picture = one({"a": "x", "b": "y"}, "x=64,y=64", 4096, 4096)
    cells = [cell for part in picture_html(picture) for cell in part.iter("td")]
    assert len(cells) == 16 * 16


def test_the_most_cut_array_is_a_parameter_where_one_is_cut(plan):
    assert most_cut(plan.leaves).leaf.kind == "params"
    assert most_cut([]) is None


def test_long_device_lists_lose_their_middle():
    assert device_list(tuple(range(0, 64, 4))) == "0 4 … 60"
    assert device_list((3,)) == "3"
