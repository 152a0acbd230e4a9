"""What changes from one plan to another: a value that shows itself in a terminal, a notebook and as JSON."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from axisrules.diagnostics import Diagnostic, printable, render_text, to_json
from axisrules.report.explanation_html import dims_html
from axisrules.report.findings import styled_findings
from axisrules.report.html import element, fragment, table, whole_page
from axisrules.report.layout import DEEPER, MARGIN, flush_right
from axisrules.report.leaf_words import shape_words
from axisrules.report.plain import plain_text
from axisrules.report.plan_changes import ChangeRow, ChangeSection, change_sections, moved_bytes
from axisrules.report.quantities import counted, readable_bytes
from axisrules.report.styled_words import dims_text, plan_title
from axisrules.resolve import LeafChange, LeafPlan, Plan, PlanDiff

WIDEST = 110
SIGN_STYLES = {"- ": "red", "+ ": "green"}
MEMORY_HEADINGS = ("before", "after", "change")


@dataclass(frozen=True)
class DiffExplanation:
    """The leaves whose spec changes, the bytes that a live state would move, and memory before and after."""

    diff: PlanDiff

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        diff, edge = self.diff, min(options.max_width, WIDEST)
        yield Text.assemble(("- ", SIGN_STYLES["- "]), plan_title(diff.before))
        yield Text.assemble(("+ ", SIGN_STYLES["+ "]), plan_title(diff.after))
        yield ""
        for section in change_sections(diff):
            yield from _section(section, diff, edge)
            yield ""
        yield from _summary(diff)
        findings = _findings(diff)
        if findings:
            yield ""
            yield styled_findings(findings)

    def _repr_html_(self) -> str:
        diff = self.diff
        plans = [("before", diff.before), ("after", diff.after)]
        titles = [element("div", f"{word}: {plan_title(plan).plain}") for word, plan in plans]
        sections = change_sections(diff)
        changes = [_row_html(row, diff) for section in sections for row in section.rows]
        following = [
            f"{section.kind}: {_followers_words(section)}" for section in sections if section.followers
        ]
        memory = table(("kind", *MEMORY_HEADINGS), _memory_rows(diff), numbers=(1, 2, 3))
        body = [*titles, memory, element("p", _moved_words(diff))]
        if changes:
            body.append(table(("kind", "path", "before", "after", ""), changes, numbers=(4,)))
        body += [element("p", words, class_="quiet") for words in following]
        findings = _findings(diff)
        return fragment(*body, *([element("pre", render_text(findings))] if findings else []))

    def to_html(self) -> str:
        """A whole HTML document, for a file."""
        diff = self.diff
        return whole_page(
            f"axisrules: {diff.before.rules.name} to {diff.after.rules.name}", self._repr_html_()
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`: every change whole, memory by kind, and diagnostics."""
        diff = self.diff
        return {
            "before": _plan_json(diff.before),
            "after": _plan_json(diff.after),
            "changes": [_change_json(change) for change in diff.changes],
            "moved_bytes": diff.moved_bytes,
            "bytes_per_device": {
                kind: {"before": before, "after": after}
                for kind, (before, after) in diff.bytes_per_device.items()
            },
            "diagnostics": [to_json(finding) for finding in _findings(diff)],
        }

    def __str__(self) -> str:
        return plain_text(self)


def _section(section: ChangeSection, diff: PlanDiff, edge: int) -> Iterator[RenderableType]:
    counts = f"  {section.change_count:,} of {counted(section.leaf_count, 'leaf', 'leaves')} change"
    yield Text.assemble((section.kind, "bold"), (counts, "dim"))
    for row in section.rows:
        count = f" ({len(row.changes)} alike)" if len(row.changes) > 1 else ""
        path = Text.assemble(printable(row.path, limit=512), (count, "dim"))
        yield flush_right(path, Text(_moves(row.moved_bytes)), MARGIN, edge)
        for sign, leaf_plan, plan in (("- ", row.before, diff.before), ("+ ", row.after, diff.after)):
            words = Text.assemble((sign, SIGN_STYLES[sign]), dims_text(leaf_plan, plan.mesh))
            yield flush_right(words, Text(shape_words(leaf_plan.local_shape), "dim"), DEEPER, edge)
    if section.followers:
        words = Text(_followers_words(section), "italic")
        yield flush_right(words, Text(_moves(moved_bytes(section.followers))), MARGIN, edge)


def _followers_words(section: ChangeSection) -> str:
    count = counted(len(section.followers), "leaf changes", "leaves change")
    return f"{count} as the params that they follow"


def _moves(count: int) -> str:
    return f"moves {readable_bytes(count)}" if count else ""


def _summary(diff: PlanDiff) -> Iterator[RenderableType]:
    memory = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    memory.add_column("one device holds")
    for heading in MEMORY_HEADINGS:
        memory.add_column(heading, justify="right")
    for kind, *sizes in _memory_rows(diff):
        memory.add_row(Text(kind, "bold"), *sizes)
    yield memory
    yield ""
    yield Text(_moved_words(diff))


def _memory_rows(diff: PlanDiff) -> Iterator[tuple[str, str, str, str]]:
    for kind, (before, after) in diff.bytes_per_device.items():
        change = "" if before == after else f"{after / before - 1:+.1%}" if before else "new"
        yield kind, readable_bytes(before), readable_bytes(after), change


def _moved_words(diff: PlanDiff) -> str:
    if not diff.changes:
        return "no leaf changes its layout"
    leaves = counted(len(diff.changes), "leaf changes", "leaves change")
    size = readable_bytes(diff.moved_bytes)
    return f"{leaves} layout; to move a live state over, all devices together receive {size}"


def _findings(diff: PlanDiff) -> tuple[Diagnostic, ...]:
    """Both plans' findings, those that they share once."""
    return tuple(dict.fromkeys((*diff.before.diagnostics, *diff.after.diagnostics)))


def _row_html(row: ChangeRow, diff: PlanDiff) -> tuple[Any, ...]:
    path = element("code", printable(row.path, limit=512))
    count = f" ({len(row.changes)} alike)" if len(row.changes) > 1 else ""
    before, after = dims_html(row.before, diff.before.mesh), dims_html(row.after, diff.after.mesh)
    return row.before.leaf.kind, element("span", path, count), before, after, _moves(row.moved_bytes)


def _plan_json(plan: Plan) -> dict[str, Any]:
    return {"table": plan.rules.name, "mesh": dict(plan.mesh.sizes)}


def _change_json(change: LeafChange) -> dict[str, Any]:
    leaf = change.before.leaf
    return {
        "kind": leaf.kind,
        "path": leaf.path,
        "shape": list(leaf.shape),
        "dtype": leaf.dtype,
        "before": _layout_json(change.before),
        "after": _layout_json(change.after),
        "moved_bytes": change.moved_bytes,
    }


def _layout_json(leaf_plan: LeafPlan) -> dict[str, Any]:
    return {
        "spec": [list(mesh_axes) for mesh_axes in leaf_plan.spec],
        "local_shape": list(leaf_plan.local_shape),
        "bytes_per_device": leaf_plan.bytes_per_device,
    }
