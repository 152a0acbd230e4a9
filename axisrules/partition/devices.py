"""Mesh specs become JAX meshes, on given devices."""

from collections.abc import Sequence

import jax
from jax.experimental import mesh_utils
from jax.sharding import AxisType, Mesh

from axisrules.diagnostics import AxisRulesError, catalog
from axisrules.mesh import MeshSpec, parse_mesh

AXIS_TYPES = {"auto": AxisType.Auto, "explicit": AxisType.Explicit}


def make_mesh(spec: str | MeshSpec, devices: Sequence[jax.Device] | None = None) -> Mesh:
    """A JAX mesh of `spec` on `devices`, or on all local ones; every axis of the type that `spec` chose.

    An axis listed in `slices` crosses slices over the data-center network, major to its devices within
    a slice. Raises AxisRulesError: AXR201 to AXR204 for a bad spec, AXR205 and AXR208 for sizes that do
    not fit the devices or their slices.
    """
    chosen = list(jax.devices() if devices is None else devices)
    filled = parse_mesh(spec).fill(len(chosen))
    names = [name for name, _ in filled.sizes]
    sizes = [size for _, size in filled.sizes]
    axis_types = (AXIS_TYPES[filled.axis_type],) * len(names)
    if filled.slice_count == 1:
        grid = mesh_utils.create_device_mesh(sizes, chosen, allow_split_physical_axes=True)
        return Mesh(grid, names, axis_types=axis_types)
    _check_slices(filled, chosen)
    across = dict(filled.slices)
    grid = mesh_utils.create_hybrid_device_mesh(
        [size // across.get(name, 1) for name, size in filled.sizes],
        [across.get(name, 1) for name in names],
        chosen,
        allow_split_physical_axes=True,
    )
    return Mesh(grid, names, axis_types=axis_types)


def mesh_spec(mesh: Mesh) -> MeshSpec:
    """The spec of a mesh that somebody else built."""
    explicit = AxisType.Explicit in mesh.axis_types
    sizes = dict(zip(mesh.axis_names, mesh.devices.shape, strict=True))
    return parse_mesh(sizes, axis_type="explicit" if explicit else "auto")


def _check_slices(spec: MeshSpec, devices: Sequence[jax.Device]) -> None:
    found = {getattr(device, "slice_index", 0) for device in devices}
    if len(found) != spec.slice_count:
        why = f"the mesh goes over {spec.slice_count} slices, and the devices lie in {len(found)}"
        fix = "let the counts under slices: multiply to the number of slices, or leave them out"
        raise AxisRulesError([catalog.SLICE_COUNT.at(subject=str(spec), why=why, fix=fix)])
