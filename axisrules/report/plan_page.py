"""A plan as a page: its totals, the mesh, and every leaf behind a search box."""

from __future__ import annotations

from dataclasses import replace

from axisrules.diagnostics import printable, render_text
from axisrules.report.findings import findings_summary
from axisrules.report.layout_page import mesh_drawing
from axisrules.report.page import Findings, LayoutPart, Page, leaf_facts
from axisrules.report.quantities import counted, readable_bytes
from axisrules.report.rows import KindTotal, totals
from axisrules.report.training_words import training_words
from axisrules.resolve import LeafPlan, Plan


def plan_page(plan: Plan, selected: tuple[LeafPlan, ...]) -> Page:
    """The page of a plan, of the selected leaves alone where there are some; totals are of them all."""
    leaves = leaf_facts(replace(plan, leaves=selected) if selected else plan)
    facts = tuple((total.kind, _words(total)) for total in totals(plan))
    found = None
    if plan.diagnostics:
        found = Findings(findings_summary(plan.diagnostics), render_text(plan.diagnostics))
    on_mesh = f"on mesh ({plan.mesh}), {counted(plan.mesh.device_count, 'device')}"
    drawing = mesh_drawing(plan.mesh, leaves) if leaves else None
    return Page(
        kind="plan",
        title=printable(plan.rules.name) or "rules",
        facts=tuple(words for words in (on_mesh, training_words(plan)) if words),
        findings=found,
        layouts=(LayoutPart("layout-1", "", facts, mesh=drawing, leaves=leaves),),
    )


def _words(total: KindTotal) -> str:
    whole = f"{counted(total.leaf_count, 'leaf', 'leaves')}, {readable_bytes(total.bytes)}"
    return f"{whole}; {readable_bytes(total.bytes_per_device)} on one device"
