"""Meshes on real devices; JAX's own mesh is the referee."""

from dataclasses import dataclass

import jax
import pytest
from jax.sharding import AxisType

from axisrules.diagnostics import AxisRulesError
from axisrules.mesh import parse_mesh
from axisrules.partition import make_mesh, mesh_spec


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("data=8", {"data": 8}),
        ("data=2,fsdp=-1,tensor=2", {"data": 2, "fsdp": 2, "tensor": 2}),
        ("tensor=-1", {"tensor": 8}),
        ("data=1,tensor=8", {"data": 1, "tensor": 8}),
    ],
)
def test_sizes_are_filled_in_and_kept_in_order(text, shape):
    mesh = make_mesh(text)
    assert dict(mesh.shape) == shape
    assert list(mesh.shape) == list(shape)
    assert sorted(d.id for d in mesh.devices.flat) == list(range(8))


@pytest.mark.parametrize(("chosen", "jax_type"), [("auto", AxisType.Auto), ("explicit", AxisType.Explicit)])
def test_axis_types_are_chosen(chosen, jax_type):
    mesh = make_mesh(parse_mesh("data=2,tensor=4", axis_type=chosen))
    assert mesh.axis_types == (jax_type, jax_type)
    assert mesh_spec(mesh).axis_type == chosen


def test_given_devices_are_used():
    devices = jax.devices()[2:6]
    mesh = make_mesh("data=2,tensor=2", devices)
    assert set(mesh.devices.flat) == set(devices)


@dataclass(frozen=True)
class FakeDevice:
    """What JAX asks of a device that lies in a slice; described slices come with described targets."""

    id: int
    slice_index: int
    process_index: int = 0
    device_kind: str = "fake"
    platform: str = "fake"


def fake_devices(slices, per_slice):
    return [FakeDevice(s * per_slice + i, s, s) for s in range(slices) for i in range(per_slice)]


def test_an_axis_across_slices_is_major_to_its_devices_within_one():
    spec = parse_mesh("data=4,tensor=4,slices:data=2")
    mesh = make_mesh(spec, fake_devices(2, 8))
    assert mesh.devices.shape == (4, 4)
    assert [{d.slice_index for d in row} for row in mesh.devices] == [{0}, {0}, {1}, {1}]


@pytest.mark.parametrize(
    ("text", "devices", "code"),
    [
        ("data=3", 8, "AXR205"),
        ("data=16", 8, "AXR205"),
        ("data=3,tensor=-1", 8, "AXR205"),
        ("data=8,slices:data=2", 8, "AXR208"),  # these devices lie in one slice
        ("data=8,slices:data=3", 8, "AXR208"),
    ],
)
def test_what_does_not_fit_says_so(text, devices, code):
    with pytest.raises(AxisRulesError) as caught:
        make_mesh(text, jax.devices()[:devices])
    assert [d.code for d in caught.value.diagnostics] == [code]
