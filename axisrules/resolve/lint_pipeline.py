"""What can be said of a table's pipeline from the table and its mesh alone."""

from collections.abc import Iterator

from axisrules.axes import MeshAxis
from axisrules.diagnostics import AxisRulesError, Diagnostic, catalog
from axisrules.mesh import WILDCARD, MeshSpec
from axisrules.rules import STAGED_AXES, RuleTable
from axisrules.schedules import advise_bubble, advise_network, make_schedule

BATCH = "batch"


def lint_pipeline(table: RuleTable, mesh: MeshSpec) -> Iterator[Diagnostic]:
    """The schedule held against the mesh: AXR750, AXR751 and AXR754; AXR760 and AXR762 as advice.

    A bubble is told of where the table says how many microbatches there are.
    """
    wanted, stage_axis = table.pipeline, stage_axis_of(table)
    for tensor_axis in tensor_axes_of(table, mesh):
        yield from advise_network(dict(mesh.slices), tensor_axis, stage_axis)
    if wanted.schedule is None:
        return
    stages = mesh.shape.get(stage_axis, 1) if stage_axis else 1
    known = 1 if stages == WILDCARD else stages
    try:
        made = make_schedule(
            wanted.schedule, known, wanted.microbatches or known, wanted.repeats or 1, origin=wanted.origin
        )
    except AxisRulesError as error:
        yield from error.diagnostics
        return
    if stage_axis is None:
        why = f'the table has schedule = "{wanted.schedule}", and no rule maps `layers` to a mesh axis'
        fix = 'map the layers, such as layers = "stage", or leave the schedule out'
        yield catalog.NO_STAGE_AXIS.at(wanted.origin, why=why, fix=fix)
    elif wanted.microbatches and stages > 1:
        yield from advise_bubble(made, origin=wanted.origin)


def stage_axis_of(table: RuleTable) -> MeshAxis | None:
    """The mesh axis that the table maps layers to."""
    found = (rule.mesh_axes for rule in table.rules if rule.logical_axis in STAGED_AXES and rule.mesh_axes)
    return next(found, (None,))[0]


def tensor_axes_of(table: RuleTable, mesh: MeshSpec) -> list[MeshAxis]:
    """Mesh axes over several slices that cut something, and neither rows of the batch nor layers."""
    by_use: dict[bool, set[MeshAxis]] = {True: set(), False: set()}
    for rule in table.rules:
        by_use[rule.logical_axis in (BATCH, *STAGED_AXES)].update(rule.mesh_axes)
    return [axis for axis, _ in mesh.slices if axis in by_use[False] - by_use[True]]
