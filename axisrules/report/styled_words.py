"""The words of a plan as rich text: mesh axes in their colours, what is not cut held back."""

from rich.text import Text

from axisrules.diagnostics import printable
from axisrules.mesh import MeshSpec
from axisrules.report.leaf_words import dim_words
from axisrules.report.palette import mesh_axis_style
from axisrules.report.quantities import counted
from axisrules.resolve import LeafPlan, Plan


def plan_title(plan: Plan) -> Text:
    """What was laid out, and on what: `fsdp_tp on mesh (fsdp=2, tensor=4), 8 devices`."""
    text = Text.assemble((printable(plan.rules.name) or "rules", "bold"), " on mesh (")
    for place, (mesh_axis, size) in enumerate(plan.mesh.sizes):
        text.append(", " if place else "")
        text.append(f"{mesh_axis}={size}", mesh_axis_style(mesh_axis, plan.mesh))
    return text.append(f"), {counted(plan.mesh.device_count, 'device')}")


def dims_text(leaf_plan: LeafPlan, mesh: MeshSpec) -> Text:
    """`layers=4 embed=512[fsdp] heads=8[tensor]`, what is cut in the colour of its first mesh axis."""
    text = Text()
    for place, reason in enumerate(leaf_plan.resolution.dims):
        name, mesh_axes = dim_words(reason)
        text.append(" " if place else "")
        text.append(name, "" if mesh_axes else "dim")
        if mesh_axes:
            text.append(mesh_axes, f"bold {mesh_axis_style(reason.mesh_axes[0], mesh)}")
    return text or Text("scalar", "dim")
