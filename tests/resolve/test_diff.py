"""What a live state must move, against the indices that JAX's own shardings give every device."""

import math
import time
from itertools import product

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from axisrules.diagnostics import AxisRulesError
from axisrules.mesh import MeshSpec, parse_mesh
from axisrules.resolve import Leaf, Spec, device_ranges, diff_plans, make_plan
from axisrules.resolve.diff import received_elements
from axisrules.rules import load_rules, parse_rules

MESHES = ("data=8", "data=2,tensor=4", "tensor=4,data=2", "a=2,b=2,c=2", "data=1,tensor=8", "a=4,b=1,c=2")
Layout = tuple[MeshSpec, Spec]


def jax_indices(shape: tuple[int, ...], layout: Layout) -> list[tuple[tuple[int, int], ...]]:
    """For every device, in the order of their numbers, the range of each dim that JAX gives it."""
    spec_mesh, spec = layout
    devices = np.array(jax.devices()).reshape([size for _, size in spec_mesh.sizes])
    sharding = NamedSharding(Mesh(devices, tuple(spec_mesh.shape)), PartitionSpec(*spec))
    indices = sharding.devices_indices_map(shape)
    return [
        tuple(part.indices(size)[:2] for part, size in zip(indices[device], shape, strict=True))
        for device in jax.devices()
    ]


def elements(ranges: tuple[tuple[int, int], ...]) -> set[tuple[int, ...]]:
    """The indices of every element in a block."""
    return set(product(*(range(start, end) for start, end in ranges)))


@st.composite
def layouts(draw: st.DrawFn, rank: int) -> Layout:
    mesh = parse_mesh(draw(st.sampled_from(MESHES)))
    names = draw(st.permutations(list(mesh.shape)))
    spec: list[tuple[str, ...]] = [() for _ in range(rank)]
    for name in names[: draw(st.integers(0, len(names)))]:
        dim = draw(st.integers(0, rank - 1))
        spec[dim] += (name,)
    return mesh, tuple(spec)  # type: ignore[return-value]


@st.composite
def moves(draw: st.DrawFn) -> tuple[tuple[int, ...], Layout, Layout]:
    rank = draw(st.integers(1, 3))
    shape = tuple(draw(st.lists(st.sampled_from([8, 16]), min_size=rank, max_size=rank)))
    return shape, draw(layouts(rank)), draw(layouts(rank))


@settings(max_examples=60)
@given(moves())
def test_received_elements_are_those_that_jax_has_to_send(
    move: tuple[tuple[int, ...], Layout, Layout],
) -> None:
    shape, before, after = move
    held = [elements(ranges) for ranges in jax_indices(shape, before)]
    wanted = [elements(ranges) for ranges in jax_indices(shape, after)]
    brute_force = sum(len(new - old) for old, new in zip(held, wanted, strict=True))
    assert received_elements(shape, before, after) == brute_force


@settings(max_examples=60)
@given(moves())
def test_every_device_holds_the_range_that_jax_gives_it(move: tuple[tuple[int, ...], Layout, Layout]) -> None:
    shape, layout, _ = move
    assert list(device_ranges(shape, *layout)) == jax_indices(shape, layout)


def test_a_scalar_moves_nothing() -> None:
    mesh = parse_mesh("data=8")
    assert received_elements((), (mesh, ()), (mesh, ())) == 0


def test_five_hundred_devices_are_compared_quickly() -> None:
    shape = (32768, 8192)
    before = (parse_mesh("data=8,fsdp=16,tensor=4"), (("fsdp",), ("tensor",)))
    after = (parse_mesh("data=4,fsdp=32,tensor=4"), (("tensor", "fsdp"), ("data",)))
    started = time.perf_counter()
    moved = received_elements(shape, before, after)  # type: ignore[arg-type]
    assert time.perf_counter() - started < 0.2
    assert 0 < moved <= math.prod(shape) * 512 // (128 * 4)


def leaves() -> list[Leaf]:
    return [
        Leaf("kernel", "params", (16, 8), "float32", 4, ("embed", "mlp")),
        Leaf("kernel", "gradients", (16, 8), "float32", 4, ("embed", "mlp")),
        Leaf("mu/kernel", "optimizer", (16, 8), "float32", 4, ("embed", "mlp")),
        Leaf("scale", "params", (8,), "float32", 4, ("mlp",)),
        Leaf("inputs", "batch", (8, 8), "int32", 4, ("batch", "seq")),
    ]


def test_a_diff_has_changes_bytes_and_moves() -> None:
    mesh = parse_mesh("data=8")
    before, after = (make_plan(leaves(), load_rules(name), mesh) for name in ("dp", "zero1"))
    diff = diff_plans(before, after)
    [change] = diff.changes
    assert (change.before.leaf.kind, change.before.path) == ("optimizer", "mu/kernel")
    assert diff.moved_bytes == change.moved_bytes == 0, "every device has its part already"
    assert diff.bytes_per_device["optimizer"] == (512, 64)
    assert diff.bytes_per_device["params"] == (544, 544)
    back = diff_plans(after, before)
    assert back.moved_bytes == 8 * (512 - 64)


def test_only_what_lives_from_step_to_step_is_moved() -> None:
    mesh = parse_mesh("data=8")
    diff = diff_plans(*(make_plan(leaves(), load_rules(name), mesh) for name in ("zero3", "dp")))
    moved = {change.before.leaf.kind: change.moved_bytes for change in diff.changes}
    assert moved == {"params": 8 * 448, "gradients": 0, "optimizer": 8 * 448}


def test_the_same_plan_differs_in_nothing() -> None:
    plan = make_plan(leaves(), load_rules("fsdp_tp"), parse_mesh("fsdp=2,tensor=4"))
    assert diff_plans(plan, plan).changes == ()


def test_another_order_of_devices_moves_bytes_even_under_the_same_spec() -> None:
    table = parse_rules({"rules": {"embed": "a", "mlp": [], "batch": [], "seq": []}})
    one, other = (make_plan(leaves(), table, parse_mesh(mesh)) for mesh in ("a=2,b=4", "b=4,a=2"))
    assert diff_plans(one, other).moved_bytes > 0


def test_plans_for_other_numbers_of_devices_cannot_be_compared() -> None:
    one, other = (make_plan(leaves(), load_rules("dp"), parse_mesh(mesh)) for mesh in ("data=8", "data=4"))
    with pytest.raises(AxisRulesError) as caught:
        diff_plans(one, other)
    assert [d.code for d in caught.value.diagnostics] == ["AXR205"]
