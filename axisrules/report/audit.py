"""An audit: the layout XLA chose for every array against the plan, and what only the program shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from axisrules.diagnostics import printable, to_json
from axisrules.report.columns import NOTHING, Column, spaced_tables
from axisrules.report.findings import styled_findings
from axisrules.report.layout_words import error_words, layout_title
from axisrules.report.leaf_words import spec_words
from axisrules.report.plain import plain_text
from axisrules.report.quantities import counted
from axisrules.report.rows import grouped, starred, without_numbers

if TYPE_CHECKING:
    from axisrules.evidence import LayoutCheck, LayoutEvidence

MAX_PATH = 512
MAX_LAYOUT = 400
VERDICTS = {True: "as planned", False: "UNLIKE", None: NOTHING}


@dataclass(frozen=True)
class AuditTable:
    """The audit of one layout: in a terminal and as JSON.

    Arrays that are as planned are counted, and listed only with `is_whole`; those that are not are
    always listed. The evidence's own findings follow.
    """

    evidence: LayoutEvidence
    is_whole: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(layout_title(self.evidence), "bold")
        if self.evidence.error:
            yield Text.assemble(("no audit: ", "bold red"), error_words(self.evidence.error))
        yield from _checks_text(self.evidence.checks, self.is_whole, options.max_width)
        yield ""
        if self.evidence.findings:
            yield styled_findings(self.evidence.findings)
        elif not self.evidence.error:
            yield Text("nothing found", "green")

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`: every array with what was planned and chosen, and the findings."""
        return {
            "layout": self.evidence.rules,
            "target": str(self.evidence.target),
            "mesh": dict(self.evidence.mesh.sizes),
            "mode": self.evidence.mode,
            "error": self.evidence.error,
            "arrays": [_check_json(check) for check in self.evidence.checks],
            "diagnostics": [to_json(finding) for finding in self.evidence.findings],
        }

    def __str__(self) -> str:
        return plain_text(self)


def _checks_text(checks: tuple[LayoutCheck, ...], is_whole: bool, width: int) -> Iterator[RenderableType]:
    for place, found in _by_place(checks).items():
        planned = sum(check.is_as_planned is True for check in found)
        compared = sum(check.is_as_planned is not None for check in found)
        free = len(found) - compared
        words = f"{planned} of {counted(compared, place)} as planned"
        yield Text(words + (f"; {free} left to XLA" if free else ""), "" if planned == compared else "bold")
    shown = [check for check in checks if is_whole or check.is_as_planned is False]
    if shown:
        yield ""
        yield from spaced_tables(*_columns(shown), width)


def _by_place(checks: tuple[LayoutCheck, ...]) -> dict[str, list[LayoutCheck]]:
    places: dict[str, list[LayoutCheck]] = {}
    for check in checks:
        places.setdefault(check.place, []).append(check)
    return places


def _columns(checks: list[LayoutCheck]) -> tuple[list[Column], list[Column]]:
    rows = [(starred(check.leaf_plan.path for check in group), group) for group in grouped(checks, _key)]
    firsts = [group[0] for _, group in rows]
    paths = tuple(
        printable(f"{group[0].leaf_plan.leaf.kind}:{path}", MAX_PATH)
        + (f" ({len(group)} alike)" if len(group) > 1 else "")
        for path, group in rows
    )
    keys = [Column("array", paths, is_number=False, style="bold")]
    facts = [
        Column("as", tuple(check.place for check in firsts), is_number=False),
        Column("verdict", tuple(VERDICTS[check.is_as_planned] for check in firsts), is_number=False),
        Column("plan", tuple(spec_words(check.leaf_plan.spec) for check in firsts), "layout", False),
        Column("XLA", tuple(printable(check.chosen, MAX_LAYOUT) for check in firsts), "layout", False),
    ]
    return keys, facts


def _key(check: LayoutCheck) -> tuple[object, ...]:
    leaf = check.leaf_plan.leaf
    layout = check.leaf_plan.spec, check.chosen, check.is_as_planned
    return check.place, leaf.kind, without_numbers(leaf.path), leaf.shape, *layout


def _check_json(check: LayoutCheck) -> dict[str, Any]:
    leaf = check.leaf_plan.leaf
    return {
        "place": check.place,
        "kind": leaf.kind,
        "path": leaf.path,
        "shape": list(leaf.shape),
        "planned": [list(mesh_axes) for mesh_axes in check.leaf_plan.spec],
        "chosen": check.chosen,
        "is_as_planned": check.is_as_planned,
    }
