"""What each mesh axis does for a plan: it cuts rows, the model, its layers into stages, or nothing."""

from collections.abc import Iterable
from dataclasses import dataclass

from axisrules.axes import MeshAxis
from axisrules.resolve import DimReason, LeafPlan, Plan
from axisrules.rules import STAGED_AXES

STATE = ("params", "gradients", "optimizer")


@dataclass(frozen=True, slots=True)
class AxisRoles:
    """The mesh axes of a plan by what they are for.

    `rows` may cut the batch's rows, as the table names them, whether the mesh has them or not. `model` cut
    parameters and neither rows nor stages: tensor parallelism. `state` are those of `rows` that cut
    parameters, gradients or optimizer state too: FSDP and ZeRO. `stage` has a pipeline's stages. `idle`
    cut nothing. All but `rows` are larger than 1.
    """

    rows: tuple[MeshAxis, ...]
    model: tuple[MeshAxis, ...]
    state: tuple[MeshAxis, ...]
    stage: MeshAxis | None
    idle: tuple[MeshAxis, ...]


def axis_roles(plan: Plan) -> AxisRoles:
    """The roles of every mesh axis of `plan`.

    >>> from axisrules.mesh import parse_mesh
    >>> from axisrules.resolve import Leaf, make_plan
    >>> from axisrules.rules import load_rules
    >>> up = Leaf("up", "params", (64, 256), "float32", 4, ("embed", "mlp"))
    >>> tokens = Leaf("tokens", "batch", (8, 32), "int32", 4, ("batch", "seq"))
    >>> roles = axis_roles(make_plan([up, tokens], load_rules("fsdp_tp"), parse_mesh("fsdp=2,tensor=4")))
    >>> roles.rows, roles.model, roles.state
    (('data', 'fsdp'), ('tensor',), ('fsdp',))
    """
    large = [axis for axis, size in plan.mesh.sizes if size > 1]
    in_rows = rows_axes(plan)
    stage = _stage_axis(plan, large)
    params = _cutting(leaf for leaf in plan.leaves if leaf.leaf.kind == "params")
    state = _cutting(leaf for leaf in plan.leaves if leaf.leaf.kind in STATE)
    used = _cutting(plan.leaves)
    return AxisRoles(
        rows=in_rows,
        model=tuple(axis for axis in large if axis in params and axis not in (*in_rows, stage)),
        state=tuple(axis for axis in large if axis in state and axis in in_rows),
        stage=stage,
        idle=tuple(axis for axis in large if axis not in used and axis != stage),
    )


def rows_axes(plan: Plan) -> tuple[MeshAxis, ...]:
    """The mesh axes of the rule that lays out the batch's rows; those that the mesh lacks, too."""
    reason = rows_reason(plan)
    return reason.rule.mesh_axes if reason and reason.rule else ()


def rows_reason(plan: Plan) -> DimReason | None:
    """How the rows of the batch came to be laid out; None for a batch that names no rows."""
    of_batch = (leaf_plan for leaf_plan in plan.leaves if leaf_plan.leaf.kind == "batch")
    reasons = (reason for leaf_plan in of_batch for reason in leaf_plan.resolution.dims)
    return next((reason for reason in reasons if reason.dim == 0 and reason.logical_axis), None)


def layer_count(plan: Plan) -> int:
    """How many layers the parameters stack in one dim; 0 where they are not stacked."""
    for leaf_plan in plan.leaves:
        for reason in leaf_plan.resolution.dims:
            if leaf_plan.leaf.kind == "params" and reason.logical_axis in STAGED_AXES:
                return reason.size or 0
    return 0


def _stage_axis(plan: Plan, large: list[MeshAxis]) -> MeshAxis | None:
    """The mesh axis that the layers lie along, where the table has a schedule."""
    if plan.rules.pipeline.schedule is None:
        return None
    named = [axis for rule in plan.rules.rules if rule.logical_axis in STAGED_AXES for axis in rule.mesh_axes]
    return next((axis for axis in named if axis in large), None)


def _cutting(leaves: Iterable[LeafPlan]) -> set[MeshAxis]:
    return {axis for leaf_plan in leaves for mesh_axes in leaf_plan.spec for axis in mesh_axes}
