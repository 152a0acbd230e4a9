"""XLA's words for a layout, held against the blocks that JAX itself says its shardings have."""

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.sharding import Mesh, NamedSharding

from axisrules.analysis import read_sharding, split_shardings, tiling_of_spec
from axisrules.mesh import parse_mesh
from axisrules.partition import partition_spec

MESHES = ("data=8", "data=2,tensor=4", "a=2,b=2,c=2", "tensor=4,data=2")


def specs(names):
    """Specs of rank 3 that use each mesh axis at most once."""

    def cut(order):
        names, first, second = order
        return tuple(names[:first]), tuple(names[first:second]), tuple(names[second:])

    places = st.tuples(st.permutations(names), st.integers(0, len(names)), st.integers(0, len(names)))
    return places.map(lambda order: cut((order[0], *sorted(order[1:]))))


@st.composite
def layouts(draw):
    mesh = parse_mesh(draw(st.sampled_from(MESHES)))
    spec = draw(specs([name for name, _ in mesh.sizes]))
    kept = draw(st.lists(st.booleans(), min_size=3, max_size=3))
    return mesh, tuple(axes if keep else () for axes, keep in zip(spec, kept, strict=True))


def as_jax_has_it(mesh, spec):
    """JAX's sharding, and the block of every mesh position as its index map tells it."""
    names = [name for name, _ in mesh.sizes]
    devices = jax.devices()[: mesh.device_count]
    sizes = [size for _, size in mesh.sizes]
    sharding = NamedSharding(Mesh(np.array(devices).reshape(sizes), names), partition_spec(spec))
    slices = sharding.devices_indices_map((8, 8, 8))
    ways = [8 // (part.stop or 8) if part.start in (None, 0) else 0 for part in slices[devices[0]]]
    blocks = tuple(
        tuple((part.start or 0) * way // 8 for part, way in zip(slices[device], ways, strict=True))
        for device in devices
    )
    return sharding, tuple(ways), blocks


@given(layouts())
def test_a_specs_blocks_are_jaxs(layout):
    mesh, spec = layout
    _, ways, blocks = as_jax_has_it(mesh, spec)
    found = tiling_of_spec(spec, mesh)
    assert (found.ways, found.blocks) == (ways, blocks)


@given(layouts())
def test_the_text_of_jaxs_own_sharding_means_its_blocks(layout):
    mesh, spec = layout
    sharding, ways, blocks = as_jax_has_it(mesh, spec)
    text = str(sharding._to_xla_hlo_sharding(3))
    found = read_sharding(text, 3, mesh.device_count)
    assert (found.ways, found.blocks) == (ways, blocks)


@given(layouts())
def test_mesh_axes_by_dim_mean_the_same(layout):
    mesh, spec = layout
    sizes = ",".join(f"'{name}'={size}" for name, size in mesh.sizes)
    dims = ", ".join("{" + ", ".join(f"'{axis}'" for axis in axes) + "}" for axes in spec)
    found = read_sharding(f"{{mesh[{sizes}], [{dims}]}}", 3, mesh.device_count)
    assert found == tiling_of_spec(spec, mesh)


@pytest.mark.parametrize(
    ("text", "ways", "first_two"),
    [
        ("{devices=[2,1,4]<=[8] last_tile_dim_replicate}", (2, 1), [(0, 0), (0, 0)]),
        ("{devices=[4,2]<=[2,4]T(1,0)}", (4, 2), [(0, 0), (1, 0)]),
        ("{devices=[2,4]0,2,4,6,1,3,5,7}", (2, 4), [(0, 0), (1, 0)]),
        ("{replicated}", (1, 1), [(0, 0), (0, 0)]),
        ("{mesh[], replicated}", (1, 1), [(0, 0), (0, 0)]),
        ("{mesh['x'=8], [{'x':(2)4}, {'x':(1)2}]}", (4, 2), [(0, 0), (1, 0)]),
    ],
)
def test_forms(text, ways, first_two):
    found = read_sharding(text, 2, 8)
    assert found.ways == ways
    assert list(found.blocks[:2]) == first_two


@pytest.mark.parametrize(
    "text", ["{manual}", "{maximal device=0}", "{devices=[2,2]<=[4]}", "", "{devices=[8]<=[8]}"]
)
def test_what_fixes_no_blocks_is_none(text):
    assert read_sharding(text, 2, 8) is None


def test_a_tuples_shardings_come_apart():
    parts = ("{replicated}", "{devices=[2,4]<=[8]}", "{mesh['a'=2], [{'a'}, {}]}")
    assert split_shardings("{" + ", ".join(parts) + "}") == parts
    assert split_shardings("{" + ", /*index=5*/".join(parts) + "}") == parts


def test_some_dims_alone():
    tiling = read_sharding("{devices=[2,4]<=[8]}", 2, 8)
    assert tiling.dims([1]).ways == (4,)
    assert not tiling.is_whole
    assert tiling.dims([]).is_whole
