"""Targets: what their text means, which exist, and what is said of those that do not."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.diagnostics import AxisRulesError
from axisrules.mesh import Target, known_chips, parse_mesh, parse_target
from axisrules.mesh.topology import CUBE_EDGE, is_offered, near_topologies, read_topology, topology_text

LISTED = [
    f"{chip.platform}:{chip.name}:{topology}"
    for chip in known_chips().values()
    for topology in chip.shapes.listed
]


def codes(text, **given_slices):
    with pytest.raises(AxisRulesError) as caught:
        parse_target(text, **given_slices)
    return [d.code for d in caught.value.diagnostics]


def fix_of(text):
    with pytest.raises(AxisRulesError) as caught:
        parse_target(text)
    return caught.value.diagnostics[0].fix


@pytest.mark.parametrize("text", ["local", *LISTED, "tpu:v5p:16x16x24", "tpu:v4:4x4x8_twisted"])
def test_a_target_is_written_as_it_was_read(text):
    assert str(parse_target(text)) == text


@pytest.mark.parametrize(
    ("text", "chips", "devices"),
    [
        ("tpu:v5p:8x8x8", 512, 512),
        ("tpu:v5e:4x4", 16, 16),
        ("tpu:v4:2x2x1", 4, 4),
        ("tpu:v6e:16x16", 256, 256),
        ("tpu:tpu7x:4x4x4", 64, 128),
        ("gpu:h100:1x8", 8, 8),
        ("gpu:b200:8x8", 64, 64),
        ("local", 0, 0),
    ],
)
def test_devices_are_chips_times_those_of_one(text, chips, devices):
    target = parse_target(text)
    assert (target.chip_count, target.device_count) == (chips, devices)


def test_slices_multiply_and_nodes_are_islands():
    assert parse_target("tpu:v5e:4x4", slices=3) == Target("tpu", "v5e", (4, 4), slices=3)
    assert parse_target("tpu:v5e:4x4", slices=3).device_count == 48
    assert parse_target("tpu:v5e:4x4", slices=3).island_count == 3
    assert parse_target("gpu:h100:4x8").island_count == 4
    assert parse_target("local").island_count == 1


@pytest.mark.parametrize(
    ("text", "wraps"),
    [
        # Beside MaxText's table of the machines that Google offers, accelerator_to_spec_map.py.
        ("tpu:v4:2x2x4", (False, False, False)),
        ("tpu:v4:2x4x4", (False, False, False)),
        ("tpu:v4:4x4x4", (True, True, True)),
        ("tpu:v5p:4x4x12", (True, True, True)),
        ("tpu:v5p:16x16x24", (True, True, True)),
        ("tpu:v5e:8x8", (False, False)),
        ("tpu:v5e:8x16", (False, True)),
        ("tpu:v5e:16x16", (True, True)),
        ("tpu:v6e:16x16", (True, True)),
        ("gpu:h100:1x8", ()),
        ("local", ()),
    ],
)
def test_links_close_a_ring_where_the_machines_do(text, wraps):
    assert parse_target(text).wraps == wraps


@pytest.mark.parametrize("text", ["", "tpu", "tpu:v5e", "v5e:4x4", "cpu:v5e:4x4", "local:8", "tpu:v5e:4x4:2"])
def test_another_form_is_told_the_form(text):
    assert codes(text) == ["AXR801"]
    assert "tpu:CHIP:TOPOLOGY" in fix_of(text)


def test_an_unknown_chip_is_answered_with_the_platforms_own():
    assert codes("tpu:v5pp:4x4x4") == ["AXR210"]
    assert "`v5p`" in fix_of("tpu:v5pp:4x4x4")
    assert "v5p" not in fix_of("gpu:v5p:4x4x4")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "tpu:v5e:3x3",
            "tpu:v5e:16x32",
            "tpu:v5e:4x2",
            "tpu:v5e:4x4x4",
            "tpu:v5e:0x4",
            "tpu:v5e:x",
            "tpu:v5e:4",
        ),
        *("tpu:v5p:8x4x4", "tpu:v5p:6x6x6", "tpu:v5p:16x20x28", "tpu:v4:16x16x24", "tpu:v5p:4x4x4_twisted"),
        *("tpu:v5e:4x4_twisted", "gpu:h100:1x9", "gpu:h100:1x8_twisted", "gpu:h100:99999x8", "tpu:v5e:²x2"),
    ],
)
def test_an_unknown_topology_is_answered_with_near_ones(text):
    assert codes(text) == ["AXR802"]
    platform, chip, _ = text.split(":")
    assert fix_of(text).count(f"{platform}:{chip}:") == 6


def test_near_means_about_as_many_chips():
    assert "`tpu:v5e:2x4`" in fix_of("tpu:v5e:4x2").split(",")[0]
    assert "`tpu:v5p:4x4x8`" in fix_of("tpu:v5p:8x4x4").split(",")[0]


@pytest.mark.parametrize(("text", "slices"), [("tpu:v5e:4x4", 0), ("gpu:h100:1x8", 2), ("local", 2)])
def test_slices_are_for_tpus(text, slices):
    assert codes(text, slices=slices) == ["AXR801"]


@given(
    chip=st.sampled_from(sorted(known_chips())),
    sizes=st.lists(st.integers(1, 40), min_size=2, max_size=3).map(tuple),
    is_twisted=st.booleans(),
)
def test_what_is_offered_is_read_and_all_else_is_refused(chip, sizes, is_twisted):
    facts = known_chips()[chip]
    text = f"{facts.platform}:{chip}:{topology_text(sizes)}{'_twisted' if is_twisted else ''}"
    if is_offered(sizes, facts.shapes, is_twisted=is_twisted):
        target = parse_target(text)
        assert target.device_count == math.prod(sizes) * facts.devices
        assert all(size % CUBE_EDGE == 0 for size, wraps in zip(sizes, target.wraps, strict=False) if wraps)
    else:
        assert codes(text) == ["AXR802"]


@given(
    chip=st.sampled_from(sorted(known_chips())),
    sizes=st.lists(st.integers(1, 10**5), min_size=1, max_size=3).map(tuple),
)
def test_every_near_topology_exists(chip, sizes):
    shapes = known_chips()[chip].shapes
    near = near_topologies(sizes, shapes)
    assert near
    assert len(set(near)) == len(near)
    assert all(is_offered(read_topology(text)[0], shapes) for text in near)


def test_an_offered_topology_is_nearest_to_itself():
    for text in LISTED:
        _, chip, topology = text.split(":")
        assert near_topologies(read_topology(topology)[0], known_chips()[chip].shapes)[0] == topology


@pytest.mark.parametrize(
    ("text", "slices", "mesh", "fitted"),
    [
        ("tpu:v5e:4x4", 1, "fsdp=-1,tensor=4", "fsdp=4,tensor=4"),
        ("tpu:v5e:4x4", 2, "data=2,fsdp=16", "data=2,fsdp=16,slices:data=2"),
        ("tpu:v5e:4x4", 4, "data=2,fsdp=32", "data=2,fsdp=32,slices:data=2,slices:fsdp=2"),
        ("tpu:v5e:4x4", 2, "data=2,fsdp=16,slices:fsdp=2", "data=2,fsdp=16,slices:fsdp=2"),
        ("tpu:tpu7x:2x2x1", 1, "tensor=-1", "tensor=8"),
        ("gpu:h100:2x8", 1, "data=2,tensor=-1", "data=2,tensor=8"),
        ("gpu:h100:2x8", 1, "data=8,tensor=2,slices:data=2", "data=8,tensor=2,slices:data=2"),
    ],
)
def test_a_mesh_is_fitted_to_the_devices_and_the_slices(text, slices, mesh, fitted):
    assert str(parse_target(text, slices=slices).fit(parse_mesh(mesh))) == fitted


@pytest.mark.parametrize(
    ("text", "slices", "mesh", "code"),
    [
        ("tpu:v5e:4x4", 1, "tensor=8", "AXR205"),
        ("tpu:v5e:4x4", 3, "tensor=3,data=-1,slices:tensor=1", "AXR208"),
        ("tpu:v5e:4x4", 2, "data=4,fsdp=8,slices:data=4", "AXR208"),
        ("tpu:v5e:4x4", 1, "data=4,fsdp=4,slices:data=2", "AXR208"),
        ("gpu:h100:2x8", 1, "data=16,slices:data=4", "AXR208"),
    ],
)
def test_a_mesh_that_does_not_fit_is_refused(text, slices, mesh, code):
    with pytest.raises(AxisRulesError) as caught:
        parse_target(text, slices=slices).fit(parse_mesh(mesh))
    assert [d.code for d in caught.value.diagnostics] == [code]
