"""Remat policies side by side: what each keeps, and what it computes for that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from axisrules.diagnostics import Diagnostic, printable, to_json
from axisrules.report.columns import NOTHING, Column, spaced_tables
from axisrules.report.comparison_page import run_words
from axisrules.report.findings import styled_findings
from axisrules.report.layout_words import fits_words
from axisrules.report.plain import plain_text
from axisrules.report.quantities import readable_bytes, readable_flops, readable_seconds

if TYPE_CHECKING:
    from axisrules.evidence import Comparison, LayoutEvidence

    Fact = Callable[[LayoutEvidence], str]

LEGEND = (
    "bytes and FLOPs are those of one device and step; temporary has activations and gradients in it;"
    " a share is of the first policy's"
)


@dataclass(frozen=True)
class PolicyTable:
    """Policies on one target, the first of which recomputes nothing, and the advice that follows."""

    comparison: Comparison
    findings: tuple[Diagnostic, ...] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = self.comparison.rows
        yield Text(f"{run_words(self.comparison)}; {rows[0].target}, mesh {rows[0].mesh}", "dim")
        yield ""
        names = Column("policy", tuple(printable(row.rules) for row in rows), is_number=False, style="bold")
        yield from spaced_tables([names], list(_facts(rows)), options.max_width)
        yield ""
        yield Text(LEGEND, "dim")
        for row in rows:
            if row.error is not None:
                yield Text.assemble((printable(row.rules), "bold"), (" did not compile", "bold red"))
                yield Text(printable(row.error, limit=4000).replace("\\n", "\n"))
        if self.findings:
            yield ""
            yield styled_findings(self.findings)

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`: a row per policy, and the findings."""
        first = self.comparison.rows[0]
        return {
            "model": self.comparison.model,
            "target": str(first.target),
            "mesh": dict(first.mesh.sizes),
            "versions": self.comparison.versions,
            "policies": [_row(row, first) for row in self.comparison.rows],
            "diagnostics": [to_json(finding) for finding in self.findings],
        }

    def __str__(self) -> str:
        return plain_text(self)


def _facts(rows: tuple[LayoutEvidence, ...]) -> Iterator[Column]:
    first = rows[0]
    facts: list[tuple[str, Fact]] = [
        ("temporary", lambda row: _shown(row.temporary_bytes, readable_bytes)),
        ("share", lambda row: _share(row.temporary_bytes, first.temporary_bytes)),
        ("FLOPs", lambda row: _shown(row.flops, readable_flops)),
        ("of them", lambda row: _share(row.flops, first.flops)),
        ("needed", lambda row: _shown(row.needed_bytes, readable_bytes)),
        ("fits", fits_words),
        ("step", lambda row: _shown(row.step_seconds, readable_seconds)),
    ]
    for heading, fact in facts:
        cells = tuple(map(fact, rows))
        if set(cells) != {NOTHING}:
            yield Column(heading, cells)


def _shown(value: Any, readable: Callable[[Any], str]) -> str:
    return NOTHING if value is None else readable(value)


def _share(value: float | None, whole: float | None) -> str:
    return f"{value / whole:.2f}" if value is not None and whole else NOTHING


def _row(row: LayoutEvidence, first: LayoutEvidence) -> dict[str, Any]:
    def ratio(own: float | None, base: float | None) -> float | None:
        return own / base if own is not None and base else None

    return {
        "policy": row.rules,
        "temporary_bytes": row.temporary_bytes,
        "temporary_ratio": ratio(row.temporary_bytes, first.temporary_bytes),
        "flops": row.flops,
        "flops_ratio": ratio(row.flops, first.flops),
        "needed_bytes": row.needed_bytes,
        "fits": row.fits,
        "step_seconds": row.step_seconds,
        "error": row.error,
    }
