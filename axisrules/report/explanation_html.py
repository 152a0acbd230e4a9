"""A plan explained in HTML: every leaf opens to show its dims, their rules and its picture."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from axisrules.diagnostics import printable, render_text
from axisrules.mesh import MeshSpec
from axisrules.report.html import Child, element, fragment, table
from axisrules.report.leaf_words import (
    dim_words,
    local_size,
    lost_words,
    shape_words,
    spec_words,
    ways_words,
    won_words,
)
from axisrules.report.palette import mesh_axis_hue
from axisrules.report.picture import draw
from axisrules.report.picture_html import picture_html
from axisrules.report.quantities import counted, readable_bytes
from axisrules.report.rows import Row, Section, alike, sections, totals
from axisrules.report.training_words import training_words
from axisrules.resolve import DimReason, LeafPlan, Plan


def explanation_html(plan: Plan, selected: tuple[LeafPlan, ...]) -> str:
    """A fragment with all leaves, or the selected ones, and the findings."""
    body = list(_cards(selected, plan.mesh) if selected else _overview(plan))
    if plan.diagnostics:
        body += [element("h2", "findings"), element("pre", render_text(plan.diagnostics))]
    words = training_words(plan)
    said = [element("p", words, class_="quiet")] if words else []
    return fragment(_title(plan), *said, *body)


def mesh_axes_html(reason: DimReason, mesh: MeshSpec) -> Element:
    """The mesh axes of a cut dim on the colour of the first."""
    hue = mesh_axis_hue(reason.mesh_axes[0], mesh)
    style = f"background: hsla({hue}, 70%, 50%, .25)"
    return element("span", ways_words(reason, mesh), class_="mesh", style=style)


def dims_html(leaf_plan: LeafPlan, mesh: MeshSpec) -> Element:
    """`layers=4 embed=512[fsdp]`, what is cut on the colour of its mesh axis."""
    line = element("code")
    for reason in leaf_plan.resolution.dims:
        name, mesh_axes = dim_words(reason)
        if mesh_axes:
            hue = mesh_axis_hue(reason.mesh_axes[0], mesh)
            line.append(
                element(
                    "span", name + mesh_axes, class_="mesh", style=f"background: hsla({hue}, 70%, 50%, .25)"
                )
            )
        else:
            line.append(element("span", name, class_="quiet"))
        line[-1].tail = " "
    return line


def _title(plan: Plan) -> Element:
    mesh = element(
        "span", f" on mesh ({plan.mesh}), {counted(plan.mesh.device_count, 'device')}", class_="quiet"
    )
    return element("h1", printable(plan.rules.name) or "rules", mesh)


def _overview(plan: Plan) -> Iterator[Element]:
    rows = [
        (
            total.kind,
            str(total.leaf_count),
            readable_bytes(total.bytes),
            readable_bytes(total.bytes_per_device),
        )
        for total in totals(plan)
    ]
    yield table(("kind", "leaves", "whole", "one device"), rows, numbers=(1, 2, 3))
    for section in sections(plan):
        yield from _section(section, plan.mesh)


def _section(section: Section, mesh: MeshSpec) -> Iterator[Element]:
    yield element("h2", section.kind)
    headings = ("path", "logical axis=size[mesh axes]", "shape on one device", "bytes on one device")
    if section.rows:
        yield table(headings, (_row(row, mesh) for row in section.rows), numbers=(3,))
    if section.followers:
        count = counted(len(section.followers), "leaf", "leaves")
        yield element("p", f"{count} cut as the params that they follow", class_="quiet")


def _row(row: Row, mesh: MeshSpec) -> tuple[Child, ...]:
    count = f" ({len(row.plans)} alike)" if len(row.plans) > 1 else ""
    opened = element(
        "details",
        element("summary", element("code", printable(row.path, limit=512)), count),
        element("div", *_card(row.first, mesh)),
    )
    local = shape_words(row.first.local_shape)
    return opened, dims_html(row.first, mesh), element("code", local), readable_bytes(row.bytes_per_device)


def _cards(selected: tuple[LeafPlan, ...], mesh: MeshSpec) -> Iterator[Element]:
    for plans in alike(selected):
        yield element("h2", *_paths(plans))
        yield from _card(plans[0], mesh)


def _paths(plans: tuple[LeafPlan, ...]) -> Iterator[Child]:
    for plan in plans:
        yield element("span", f"{plan.leaf.kind} ", class_="quiet")
        yield element("code", printable(plan.path, limit=512))
        yield element("br")


def _card(plan: LeafPlan, mesh: MeshSpec) -> Iterator[Element]:
    leaf = plan.leaf
    whole = f"{leaf.dtype} {shape_words(leaf.shape)}, {readable_bytes(leaf.bytes)}"
    held = f"{shape_words(plan.local_shape)}, {readable_bytes(plan.bytes_per_device)}"
    yield element("div", f"{whole}; one device holds {held}; ", element("code", spec_words(plan.spec)))
    rows = [_dim(reason, mesh) for reason in plan.resolution.dims]
    if rows:
        yield table(("dim", "logical axis", "size", "cut over", "local", "why"), rows, numbers=(2, 4))
    yield from picture_html(draw(plan, mesh))


def _dim(reason: DimReason, mesh: MeshSpec) -> tuple[Child, ...]:
    why = element("div", won_words(reason))
    for rejection in reason.rejected:
        why.append(element("div", f"lost: {lost_words(rejection)}", class_="quiet"))
    return (
        str(reason.dim),
        element("code", printable(reason.logical_axis or "_")),
        str(reason.size),
        mesh_axes_html(reason, mesh) if reason.mesh_axes else "",
        str(local_size(reason)),
        why,
    )
