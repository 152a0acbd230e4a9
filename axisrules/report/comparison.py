"""Layouts on described hardware side by side: what fits, what it moves, how long a step takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from axisrules.analysis import SLOW_NETWORKS
from axisrules.diagnostics import printable, render_text
from axisrules.report.columns import NOTHING, Column, spaced_tables
from axisrules.report.comparison_json import comparison_json
from axisrules.report.comparison_page import comparison_page, run_words
from axisrules.report.html import element, fragment, table
from axisrules.report.layout_words import (
    error_words,
    fits_words,
    layout_title,
    mesh_axes_of,
    share_words,
    wire_bytes,
    wire_bytes_by_network,
)
from axisrules.report.page import render_page
from axisrules.report.palette import SEVERITY_STYLES
from axisrules.report.pipeline_words import pipeline_cells, pipeline_columns
from axisrules.report.plain import plain_text
from axisrules.report.quantities import percent, readable_bytes, readable_flops, readable_seconds
from axisrules.report.rows import grouped
from axisrules.report.step_time import labels_of, time_basis, time_parts

if TYPE_CHECKING:
    from axisrules.evidence import Comparison, LayoutEvidence

    Fact = Callable[[LayoutEvidence], str]

LEGEND = (
    "bytes and FLOPs are those of one device and step; temporary has the gradients in it; over a mesh axis"
    " are the bytes that a device sends; exposed is what work does not hide"
)


@dataclass(frozen=True)
class ComparisonTable:
    """A comparison, ready to be shown in a terminal, in a notebook, as JSON and as a page."""

    comparison: Comparison

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(run_words(self.comparison), "dim")
        yield ""
        yield from spaced_tables(*_columns(self.comparison), options.max_width)
        yield ""
        yield Text(LEGEND, "dim")
        yield from _verdict(self.comparison)
        yield from _findings(self.comparison)

    def _repr_html_(self) -> str:
        keys, facts = _columns(self.comparison)
        columns = [*keys, *facts]
        numbers = [place for place, column in enumerate(columns) if column.is_number]
        cells = zip(*(column.cells for column in columns), strict=True)
        words = [element("p", text, class_="quiet") for text in (run_words(self.comparison), LEGEND)]
        found = [
            element("pre", f"{layout_title(row)}\n{render_text(row.findings)}")
            for row in self.comparison.rows
            if row.findings
        ]
        return fragment(*words, table([column.heading for column in columns], cells, numbers=numbers), *found)

    def to_html(self) -> str:
        """A whole HTML document, for a file."""
        return render_page(comparison_page(self.comparison))

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`: every row with its findings and its ledger's totals; the ranking."""
        return comparison_json(self.comparison)

    def __str__(self) -> str:
        return plain_text(self)


def _columns(comparison: Comparison) -> tuple[list[Column], list[Column]]:
    """The columns that every table has, and the others by theme."""
    rows = comparison.rows
    keys = [Column("layout", tuple(printable(row.rules) for row in rows), is_number=False, style="bold")]
    if len({row.target for row in rows}) > 1:
        keys.append(Column("target", tuple(str(row.target) for row in rows), is_number=False))
    return keys, [
        *_result(comparison),
        *_pipeline(comparison),
        *_time(comparison),
        *_memory(comparison),
        *_work(comparison),
    ]


def _result(comparison: Comparison) -> Iterator[Column]:
    facts: list[tuple[str, Fact]] = [
        ("rank", lambda row: str(comparison.rank(row) or NOTHING)),
        ("fits", fits_words),
        ("step", lambda row: NOTHING if row.step_seconds is None else readable_seconds(row.step_seconds)),
        ("is", lambda row: time_basis(row) or NOTHING),
        ("MFU", lambda row: NOTHING if row.mfu is None else percent(row.mfu)),
        ("communication", share_words),
    ]
    yield Column("mesh", tuple(str(row.mesh) for row in comparison.rows), "result", is_number=False)
    yield from _made(facts, "result", comparison.rows)


def _pipeline(comparison: Comparison) -> Iterator[Column]:
    for heading, words, _ in pipeline_columns(comparison.rows):
        yield Column(heading, pipeline_cells(comparison.rows, words), "pipeline")


def _memory(comparison: Comparison) -> Iterator[Column]:
    facts: list[tuple[str, Fact]] = [
        ("needed", lambda row: _bytes(row.needed_bytes)),
        ("of HBM", lambda row: _bytes(row.hbm_bytes)),
        ("params", lambda row: _bytes(row.param_bytes)),
        ("optimizer", lambda row: _bytes(row.optimizer_bytes)),
        ("gradients", lambda row: _bytes(row.gradient_bytes)),
        ("temporary", lambda row: _bytes(row.temporary_bytes)),
    ]
    if any(row.host_bytes for row in comparison.rows):
        facts.append(("on the host", lambda row: _bytes(row.host_bytes)))
    yield from _made(facts, "memory", comparison.rows)


def _work(comparison: Comparison) -> Iterator[Column]:
    facts: list[tuple[str, Fact]] = [
        ("FLOPs", lambda row: NOTHING if row.flops is None else readable_flops(row.flops))
    ]
    yield from _made(facts, "work", comparison.rows)
    for mesh_axis in mesh_axes_of(comparison.rows):
        cells = tuple(_bytes(wire_bytes(row, mesh_axis)) for row in comparison.rows)
        yield Column(f"over {mesh_axis}", cells, "work")
    sent = [wire_bytes_by_network(row) for row in comparison.rows]
    for network in SLOW_NETWORKS:
        if any(network in networks for networks in sent):
            yield Column(f"on {network.upper()}", tuple(_bytes(each.get(network)) for each in sent), "work")


def _time(comparison: Comparison) -> Iterator[Column]:
    rows = comparison.rows
    for resource, label in labels_of(rows).items():
        cells = ({part.resource: part.seconds for part in time_parts(row)}.get(resource) for row in rows)
        words = tuple(NOTHING if cell is None else readable_seconds(cell) for cell in cells)
        yield Column(label, words, "time")


def _made(facts: Sequence[tuple[str, Fact]], theme: str, rows: Sequence[LayoutEvidence]) -> Iterator[Column]:
    for heading, fact in facts:
        yield Column(heading, tuple(fact(row) for row in rows), theme)


def _bytes(count: int | None) -> str:
    return NOTHING if count is None else readable_bytes(count)


def _verdict(comparison: Comparison) -> Iterator[RenderableType]:
    for row in comparison.rows:
        if row.error is not None:
            yield ""
            yield Text.assemble((f"{printable(row.rules)} on {row.target}", "bold"), (" failed", "bold red"))
            yield Text(error_words(row.error))
    for row in comparison.ranking:
        if comparison.rank(row) == 1:
            by = "by measurement" if row.step_is_measured else "by the model"
            words = f" is the fastest that fits on {row.target}, {by}"
            yield ""
            yield Text.assemble((printable(row.rules), "bold green"), words)


def _findings(comparison: Comparison) -> Iterator[RenderableType]:
    """A line for every layout and code, with the first of the findings; `axisrules audit` shows them all."""
    if any(row.findings for row in comparison.rows):
        yield ""
    for row in comparison.rows:
        for same in grouped(row.findings, lambda one: one.code):
            first = same[0]
            count = f" ({len(same)} times)" if len(same) > 1 else ""
            code = f"{first.severity}[{first.code}]"
            words = f" {layout_title(row)}: {first.title}{count}"
            why = f"; {printable(first.why, 1000)}" if first.why else ""
            yield Text.assemble((code, SEVERITY_STYLES[first.severity]), words, (why, "dim"))
