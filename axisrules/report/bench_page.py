"""A bench on local devices as a page: measured step times, bytes, and what every layout learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axisrules.diagnostics import Diagnostic, printable, render_text
from axisrules.report.columns import NOTHING
from axisrules.report.findings import findings_summary
from axisrules.report.layout_words import error_words
from axisrules.report.page import Bar, Cell, DataTable, Findings, Heading, LayoutPart, Page, Part, make_chart
from axisrules.report.pipeline_words import pipeline_columns
from axisrules.report.quantities import readable_bytes, readable_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from axisrules.bench import BenchReport, BenchRow


def bench_page(report: BenchReport, facts: str, findings: Sequence[Diagnostic]) -> Page:
    """The page of a bench; `facts` say what ran, and on what."""
    ran = [row for row in report.rows if row.error is None]
    times = make_chart("Measured step time", map(_time_bar, ran), readable_seconds)
    memory = make_chart(
        "Parameters, optimizer state and temporaries",
        map(_memory_bar, ran),
        lambda size: readable_bytes(int(size)),
        base=1024,
    )
    return Page(
        kind="bench",
        title=printable(report.model),
        facts=(facts,),
        findings=Findings(findings_summary(findings), render_text(findings)) if findings else None,
        time_charts=(times,) if ran else (),
        memory_charts=(memory,) if ran else (),
        comparison=_table(report),
        layouts=tuple(
            LayoutPart(
                f"layout-{place}", f"{printable(row.rules)} did not run", (), error=error_words(row.error)
            )
            for place, row in enumerate(report.rows, 1)
            if row.error is not None
        ),
    )


def _time_bar(row: BenchRow) -> Bar:
    seconds = row.step_seconds or 0.0
    whole = readable_seconds(seconds)
    parts = (Part("compute", "whole step", seconds, whole),)
    return Bar(printable(row.rules), "", parts, whole, f"measured, speed {row.speed_ratio:.2f}× the first's")


def _memory_bar(row: BenchRow) -> Bar:
    parts = tuple(
        Part(kind, label, size or 0, readable_bytes(size or 0))
        for kind, label, size in (
            ("params", "parameters", row.param_bytes),
            ("optimizer", "optimizer state", row.optimizer_bytes),
            ("temporary", "temporaries", row.temporary_bytes),
        )
    )
    total = readable_bytes(sum(int(part.amount) for part in parts))
    return Bar(printable(row.rules), "", parts, total)


def _table(report: BenchReport) -> DataTable:
    losses = tuple(Heading(f"loss {step}", is_number=True) for step in range(1, report.steps + 1))
    facts = ("params", "optimizer", "temporary", "compile", "step", "tokens/s", "speed")
    headings = (
        Heading("layout"),
        Heading("mesh"),
        *losses,
        *(Heading(heading, is_number=True) for heading, *_ in pipeline_columns(report.rows)),
        *(Heading(fact, is_number=True) for fact in facts),
    )
    rows = tuple(_cells(row, report) for row in report.rows)
    return DataTable("comparison-table", "All layouts", headings, rows, "layout")


def _cells(row: BenchRow, report: BenchReport) -> tuple[Cell, ...]:
    losses = [*row.losses, *[None] * (report.steps - len(row.losses))]
    return (
        Cell(printable(row.rules)),
        Cell(row.mesh or NOTHING),
        *(_cell(loss, lambda loss: f"{loss:.4f}") for loss in losses),
        *(
            Cell(words(row.pipeline), number(row.pipeline)) if row.pipeline else Cell(NOTHING)
            for _, words, number in pipeline_columns(report.rows)
        ),
        *(
            _cell(size, lambda size: readable_bytes(int(size)))
            for size in (row.param_bytes, row.optimizer_bytes, row.temporary_bytes)
        ),
        _cell(row.compile_seconds, readable_seconds),
        _cell(row.step_seconds, readable_seconds),
        _cell(row.tokens_per_second, lambda rate: f"{rate:,.0f}"),
        _cell(row.speed_ratio, lambda ratio: f"{ratio:.2f}×"),
    )


def _cell(amount: float | None, words: Callable[[float], str]) -> Cell:
    return Cell(NOTHING) if amount is None else Cell(words(amount), amount)
