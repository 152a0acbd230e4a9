"""Layouts side by side: a row each, with what they learnt, what they hold and how fast they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from axisrules.diagnostics import Diagnostic, catalog, printable, render_text, to_json
from axisrules.report.bench_page import bench_page
from axisrules.report.columns import NOTHING, Column, table_of
from axisrules.report.findings import styled_findings
from axisrules.report.html import element, fragment, table
from axisrules.report.page import render_page
from axisrules.report.pipeline_words import pipeline_cells, pipeline_columns
from axisrules.report.plain import plain_text
from axisrules.report.quantities import readable_bytes, three_digits

if TYPE_CHECKING:  # a report of tables alone, such as `axisrules presets`, then loads no JAX
    from axisrules.bench import BenchReport, BenchRow

LOSS = "loss"
LEGEND = "bytes are those on one device; speed is steps per second over those of the first layout"


@dataclass(frozen=True)
class BenchTable:
    """A bench, ready to be shown in a terminal, in a notebook or as JSON."""

    report: BenchReport

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(run_words(self.report), "dim")
        yield ""
        for columns in _tables(self.report, options.max_width):
            yield table_of(columns)
            yield ""
        yield Text(LEGEND, "dim")
        yield from _verdict(self.report)

    def _repr_html_(self) -> str:
        columns = _columns(self.report, self.report.steps)
        shown = table(
            [column.heading for column in columns],
            zip(*(column.cells for column in columns), strict=True),
            numbers=range(2, len(columns)),
        )
        errors = [
            element("pre", f"{row.rules}\n{printable(row.error, 2000)}") for row in _failed(self.report)
        ]
        found = [element("pre", render_text([finding])) for finding in loss_findings(self.report)]
        words = [element("p", text, class_="quiet") for text in (run_words(self.report), LEGEND)]
        return fragment(*words, shown, *errors, *found)

    def to_html(self) -> str:
        """A whole HTML document, for a file."""
        return render_page(bench_page(self.report, run_words(self.report), loss_findings(self.report)))

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`: the whole report, its verdict and its findings."""
        return asdict(self.report) | {
            "loss_difference": self.report.loss_difference,
            "loss_tolerance": self.report.loss_tolerance,
            "is_equal": self.report.is_equal,
            "diagnostics": [to_json(finding) for finding in loss_findings(self.report)],
        }

    def __str__(self) -> str:
        return plain_text(self)


def run_words(report: BenchReport) -> str:
    """What ran, and on what: model, batch, devices and versions."""
    batch = f"batch {report.batch} of {report.seq} tokens" if report.batch else "its own batch"
    what = f"{printable(report.model)}, {report.dtype}, {batch}"
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    return f"{what}; {report.devices} {report.platform} devices on {report.machine}; {versions}"


def loss_findings(report: BenchReport) -> tuple[Diagnostic, ...]:
    """AXR603 when layouts that ran learnt different things."""
    if report.loss_difference <= report.loss_tolerance:
        return ()
    why = (
        f"losses differ by {report.loss_difference:.2e} relative to the first layout's;"
        f" rounding explains {report.loss_tolerance:.0e} in {report.dtype}"
    )
    return (catalog.LOSSES_DIFFER.at(subject=printable(report.model), why=why),)


def _tables(report: BenchReport, width: int) -> Iterator[list[Column]]:
    """One table where it fits; else one of losses, at as many steps as fit, and one of costs."""
    columns = _columns(report, report.steps)
    if sum(column.width for column in columns) <= width:
        yield columns
        return
    layout, mesh, *facts = columns
    widest = max((column.width for column in facts if column.theme == LOSS), default=1)
    room = (width - layout.width - mesh.width) // widest
    yield [layout, mesh, *(column for column in _columns(report, max(2, room)) if column.theme == LOSS)]
    yield [layout, *(column for column in facts if column.theme != LOSS)]


def _columns(report: BenchReport, most_losses: int) -> list[Column]:
    rows = report.rows
    steps = _spread(report.steps, most_losses)
    losses = [Column(f"loss {s + 1}", tuple(_loss(row, s) for row in rows), LOSS) for s in steps]
    stages = [Column(heading, pipeline_cells(rows, words)) for heading, words, _ in pipeline_columns(rows)]
    facts = [
        ("params", lambda row: readable_bytes(row.param_bytes)),
        ("optimizer", lambda row: readable_bytes(row.optimizer_bytes)),
        ("temporary", lambda row: _bytes(row.temporary_bytes)),
        ("compile", lambda row: f"{three_digits(row.compile_seconds)} s"),
        ("step", lambda row: f"{three_digits(row.step_seconds * 1000)} ms"),
        ("tokens/s", lambda row: f"{row.tokens_per_second:,.0f}" if row.tokens_per_second else NOTHING),
        ("speed", lambda row: f"{row.speed_ratio:.2f}×"),
    ]
    return [
        Column("layout", tuple(printable(row.rules) for row in rows), is_number=False, style="bold"),
        Column("mesh", tuple(row.mesh or NOTHING for row in rows), is_number=False),
        *losses,
        *stages,
        *(Column(name, tuple(NOTHING if row.error else fact(row) for row in rows)) for name, fact in facts),
    ]


def _bytes(count: int | None) -> str:
    return NOTHING if count is None else readable_bytes(count)


def _loss(row: BenchRow, step: int) -> str:
    return f"{row.losses[step]:.4f}" if step < len(row.losses) else NOTHING


def _spread(count: int, most: int) -> list[int]:
    """At most `most` of `count` places, first and last among them, evenly apart."""
    shown = min(count, most)
    return sorted({round(place * (count - 1) / max(1, shown - 1)) for place in range(shown)})


def _verdict(report: BenchReport) -> Iterator[RenderableType]:
    for row in _failed(report):
        yield Text.assemble((printable(row.rules), "bold"), (" did not run", "bold red"))
        yield Text(printable(row.error, limit=4000).replace("\\n", "\n"))
        yield ""
    findings = loss_findings(report)
    if findings:
        yield styled_findings(findings)
    elif len(report.rows) - len(_failed(report)) > 1:
        yield Text.assemble(
            ("equal losses", "green"),
            f": at most {report.loss_difference:.1e} apart, {report.loss_tolerance:.0e} allowed",
        )


def _failed(report: BenchReport) -> list[BenchRow]:
    return [row for row in report.rows if row.error is not None]
