"""One array dim by dim: the rule that won, the rules that lost, and a picture over the mesh."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from axisrules.diagnostics import printable
from axisrules.mesh import MeshSpec
from axisrules.report.leaf_words import local_size, lost_words, shape_words, spec_words, ways_words, won_words
from axisrules.report.palette import mesh_axis_style
from axisrules.report.picture import draw
from axisrules.report.picture_text import picture_text
from axisrules.report.quantities import counted, readable_bytes
from axisrules.resolve import DimReason, LeafPlan

MARGIN = 2
REASON_MARGIN = 7


def card_text(plans: tuple[LeafPlan, ...], mesh: MeshSpec, width: int) -> Iterator[RenderableType]:
    """Leaves that share shape and layout: their paths, every dim with its reason, and one picture."""
    for plan in plans:
        yield Text.assemble((f"{plan.leaf.kind:<12}", "dim"), (printable(plan.path, limit=512), "bold"))
    first = plans[0]
    yield Padding(_sizes(first), (0, 0, 0, MARGIN), expand=False)
    yield Padding(Text(spec_words(first.spec)), (0, 0, 0, MARGIN), expand=False)
    yield ""
    for reason in first.resolution.dims:
        yield from _dim(reason, mesh)
    yield ""
    yield from picture_text(draw(first, mesh), width)


def _sizes(plan: LeafPlan) -> Text:
    leaf = plan.leaf
    whole = f"{leaf.dtype} {shape_words(leaf.shape)}, {readable_bytes(leaf.bytes)}"
    held = f"{shape_words(plan.local_shape)}, {readable_bytes(plan.bytes_per_device)}"
    return Text.assemble(whole, ("; one device holds ", "dim"), held)


def _dim(reason: DimReason, mesh: MeshSpec) -> Iterator[RenderableType]:
    name = printable(reason.logical_axis) if reason.logical_axis else "_"
    line = Text.assemble((f"  dim {reason.dim}  ", "dim"), (name, "bold"), f"={reason.size}")
    if reason.mesh_axes:
        style = f"bold {mesh_axis_style(reason.mesh_axes[0], mesh)}"
        line.append("  cut over ", "dim").append(ways_words(reason, mesh), style)
        line.append("  into ", "dim").append(f"{counted(reason.ways, 'piece')} of {local_size(reason)}")
    else:
        line.append("  whole", "dim")
    yield line
    yield Padding(
        Text.assemble(("won   ", "green"), won_words(reason)), (0, 0, 0, REASON_MARGIN), expand=False
    )
    for rejection in reason.rejected:
        yield Padding(
            Text.assemble(("lost  ", "red"), lost_words(rejection)), (0, 0, 0, REASON_MARGIN), expand=False
        )
