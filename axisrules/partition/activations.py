"""`constrain` under a plan: logical axes to a layout, on the mesh as the trace sees it."""

from typing import Any
from urllib.parse import quote

import jax
from jax.sharding import AbstractMesh, AxisType, Mesh, PartitionSpec, get_abstract_mesh

from axisrules.axes import AxisNames, MeshAxis
from axisrules.diagnostics import AxisRulesError, Origin, catalog
from axisrules.partition.shardings import sharding_here, spec_entry
from axisrules.resolve import Because, Leaf, Plan, Spec, plan_activation

UNCONSTRAINED = PartitionSpec.UNCONSTRAINED


def lay_out(x: Any, names: AxisNames, origin: Origin, plan: Plan, mesh: Mesh | AbstractMesh) -> Any:
    """`x` laid out as `plan` says for its logical axes; a dim without a name is left as it is.

    Mesh axes that are Manual here have cut `x` already and are left out. Auto mesh axes are constrained,
    Explicit ones resharded. Raises AxisRulesError with what the rules find, at the model's own line.
    """
    ambient = get_abstract_mesh()
    types = dict(zip(ambient.axis_names, ambient.axis_types, strict=True))
    manual = {axis for axis, axis_type in types.items() if axis_type == AxisType.Manual}
    leaf = Leaf(str(origin), "activations", tuple(x.shape), str(x.dtype), x.dtype.itemsize, names)
    planned = plan_activation(plan, leaf, origin, without=frozenset(manual))
    named = [reason.because is not Because.UNNAMED for reason in planned.resolution.dims]
    if not any(named):
        return x
    explicit = {axis for axis, axis_type in types.items() if axis_type == AxisType.Explicit}
    if explicit:
        with jax.named_scope(scope_of(names, origin)):
            x = _reshard(x, _only(planned.spec, explicit), named)
    if not types or types.keys() - manual - explicit:
        auto = _only(planned.spec, set(plan.mesh.shape) - explicit)
        pairs = zip(auto, named, strict=True)
        entries = [spec_entry(axes) if is_named else UNCONSTRAINED for axes, is_named in pairs]
        with jax.named_scope(scope_of(names, origin)):
            x = jax.lax.with_sharding_constraint(x, sharding_here(mesh, PartitionSpec(*entries)))
    return x


def scope_of(names: AxisNames, origin: Origin) -> str:
    """What names a constraint in the compiled program: `axr(activation;batch,seq,embed;model.py:40)`.

    Letters that JAX or XLA take apart in a name, such as slashes and brackets, are percent-encoded.
    """
    shown = ",".join(name or "_" for name in names)
    return f"axr({quote(f'activation;{shown};{origin}', safe=';,:')})"


def lay_out_own(x: Any, sharding: Any, origin: Origin, mesh: Mesh | AbstractMesh) -> Any:
    """`x` laid out as the model's own `sharding` says; a bare PartitionSpec is meant for `mesh`.

    Raises AxisRulesError (AXR324) when a spec names a mesh axis that `mesh` lacks.
    """
    if not isinstance(sharding, PartitionSpec):
        return jax.lax.with_sharding_constraint(x, sharding)
    named = {axis for entry in sharding for axis in (entry if isinstance(entry, tuple) else (entry,))}
    lacking = sorted(str(axis) for axis in named - {None, UNCONSTRAINED, *mesh.axis_names})
    if lacking:
        why = f"it names {', '.join(lacking)}, and the mesh has {', '.join(map(str, mesh.axis_names))}"
        raise AxisRulesError([catalog.OWN_CONSTRAINT.at(origin, why=why, fix='constraints = "drop"')])
    return jax.lax.with_sharding_constraint(x, sharding_here(mesh, sharding))


def _reshard(x: Any, spec: Spec, named: list[bool]) -> Any:
    """Explicit types have no unconstrained dim: one without a name keeps the sharding it has."""
    current = tuple(jax.typeof(x).sharding.spec)
    current += (None,) * (len(spec) - len(current))
    dims = zip(spec, named, current, strict=True)
    entries = [spec_entry(axes) if is_named else now for axes, is_named, now in dims]
    return jax.sharding.reshard(x, PartitionSpec(*entries))


def _only(spec: Spec, mesh_axes: set[MeshAxis]) -> Spec:
    return tuple(tuple(axis for axis in axes if axis in mesh_axes) for axes in spec)
