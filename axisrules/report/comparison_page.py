"""A comparison as a page: charts of time and memory, a table to sort, and a part for every layout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from axisrules.diagnostics import printable
from axisrules.report.layout_page import layout_part
from axisrules.report.layout_words import (
    NOTHING,
    error_words,
    fits_words,
    mesh_axes_of,
    over_words,
    share_words,
    wire_bytes,
)
from axisrules.report.page import Bar, Cell, Chart, DataTable, Heading, Page, Part, make_chart
from axisrules.report.pipeline_words import pipeline_columns
from axisrules.report.quantities import percent, readable_bytes, readable_flops, readable_seconds
from axisrules.report.step_time import is_high, labels_of, time_basis, time_parts

if TYPE_CHECKING:
    from axisrules.evidence import Comparison, LayoutEvidence
    from axisrules.mesh import Target

MODEL_NOTE = (
    "A step time that says “model” is an estimate from the compiled program and published figures of the"
    " chip; one that says “measured” was run. Exposed communication is what no work hides."
)


def run_words(comparison: Comparison) -> str:
    """What was compiled, and with what: model, machine and versions."""
    versions = ", ".join(f"{name} {version}" for name, version in comparison.versions.items())
    model = f"{printable(comparison.model)}; " if comparison.model else ""
    return f"{model}compiled on {printable(comparison.machine)}; {versions}"


def comparison_page(comparison: Comparison) -> Page:
    """The page of a comparison, the parts of the layouts in the order of their ranks."""
    idents = {id(row): f"layout-{place}" for place, row in enumerate(comparison.rows, 1)}
    targets = list(dict.fromkeys(row.target for row in comparison.rows))
    versions = ", ".join(f"{name} {version}" for name, version in comparison.versions.items())
    return Page(
        kind="comparison",
        title=printable(comparison.model) or "Layouts",
        facts=(", ".join(map(str, targets)), f"compiled on {printable(comparison.machine)}; {versions}"),
        time_charts=tuple(_time_chart(comparison, target, idents) for target in targets),
        memory_charts=tuple(_memory_chart(comparison, target, idents) for target in targets),
        comparison=_table(comparison, idents),
        notes=(MODEL_NOTE,),
        layouts=tuple(layout_part(row, idents[id(row)]) for row in _best_first(comparison)),
    )


def _best_first(comparison: Comparison) -> list[LayoutEvidence]:
    ranked = {id(row): place for place, row in enumerate(comparison.ranking)}
    return sorted(comparison.rows, key=lambda row: ranked.get(id(row), len(ranked)))


def _time_chart(comparison: Comparison, target: Target, idents: dict[int, str]) -> Chart:
    rows = [row for row in _best_first(comparison) if row.target == target]
    bars = [_time_bar(row, comparison.rank(row), idents[id(row)]) for row in rows]
    return make_chart(f"Step time on {target}", bars, readable_seconds)


def _time_bar(row: LayoutEvidence, rank: int | None, link: str) -> Bar:
    name = f"{rank}. {printable(row.rules)}" if rank else printable(row.rules)
    if row.error is not None:
        return Bar(name, link, (), "", "failed: " + error_words(row.error).partition("\n")[0])
    if row.step_seconds is None:
        return Bar(name, link, (), "", "no step time")
    parts = [Part(p.kind, p.label, p.seconds, readable_seconds(p.seconds)) for p in time_parts(row)]
    whole = readable_seconds(row.step_seconds)
    parts = parts or [Part("compute", "whole step", row.step_seconds, whole)]
    mfu = "" if row.mfu is None else f", MFU {percent(row.mfu)}"
    too_large = over_words(row)
    return Bar(
        name, link, tuple(parts), whole, too_large or f"{time_basis(row)}{mfu}", is_faint=bool(too_large)
    )


def _memory_chart(comparison: Comparison, target: Target, idents: dict[int, str]) -> Chart:
    rows = [row for row in comparison.rows if row.target == target]
    bars = [_memory_bar(row, idents[id(row)]) for row in rows]
    hbm = next((row.hbm_bytes for row in rows if row.hbm_bytes), None)
    limit = f"{readable_bytes(hbm)} of HBM" if hbm else ""
    return make_chart(str(target), bars, lambda size: readable_bytes(int(size)), limit_words=limit, base=1024)


def _memory_bar(row: LayoutEvidence, link: str) -> Bar:
    name = printable(row.rules)
    parts = tuple(
        Part(kind, label, size, readable_bytes(size)) for kind, label, size in _memory_parts(row) if size
    )
    if not parts:
        return Bar(name, link, (), "", "not known")
    needed = "" if row.needed_bytes is None else readable_bytes(row.needed_bytes)
    return Bar(name, link, parts, needed, over_words(row), row.hbm_bytes)


def _memory_parts(row: LayoutEvidence) -> Iterator[tuple[str, str, int]]:
    """Kind, label and bytes of each part, in sum what is needed; gradients are among the temporaries."""
    temporary = row.temporary_bytes or 0
    gradients = min(row.gradient_bytes or 0, temporary)
    known = (
        ("params", "parameters", row.param_bytes or 0),
        ("optimizer", "optimizer state", row.optimizer_bytes or 0),
        ("gradients", "gradients", gradients),
        ("temporary", "other temporaries", temporary - gradients),
    )
    yield from known
    yield "other", "batch and the rest", max(0, (row.needed_bytes or 0) - sum(one[2] for one in known))


def _table(comparison: Comparison, idents: dict[int, str]) -> DataTable:
    rows = comparison.rows
    headings = (
        Heading("layout"),
        Heading("target", is_choice=True),
        Heading("mesh"),
        Heading("rank", is_number=True, hint="among the layouts that fit on this target"),
        Heading("fits", is_choice=True),
        Heading("step", is_number=True),
        Heading("is", is_choice=True),
        Heading("MFU", is_number=True),
        Heading("communication", is_number=True, hint="share of the step; ! above 20%"),
        *(Heading(heading, is_number=True) for heading, *_ in pipeline_columns(rows)),
        Heading("needed", is_number=True, hint="bytes of one device"),
        Heading("FLOPs", is_number=True, hint="of one device"),
        *(
            Heading(f"over {axis}", is_number=True, hint="bytes that a device sends")
            for axis in mesh_axes_of(rows)
        ),
        *(Heading(label, is_number=True, hint="part of the step") for label in labels_of(rows).values()),
    )
    cells = tuple(_cells(comparison, row, idents[id(row)]) for row in rows)
    return DataTable("comparison-table", "All layouts", headings, cells, "layout")


def _cells(comparison: Comparison, row: LayoutEvidence, link: str) -> tuple[Cell, ...]:
    parts = {part.resource: part.seconds for part in time_parts(row)}
    rank, share = comparison.rank(row), row.communication_share
    return (
        Cell(printable(row.rules), link=link),
        Cell(str(row.target)),
        Cell(str(row.mesh)),
        Cell(NOTHING if rank is None else str(rank), rank),
        Cell(fits_words(row), tone="bad" if row.fits is False else ""),
        _seconds(row.step_seconds),
        Cell(time_basis(row) or NOTHING),
        Cell(NOTHING if row.mfu is None else percent(row.mfu), row.mfu),
        Cell(share_words(row), share, tone="bad" if is_high(share) else ""),
        *(
            Cell(words(row.pipeline), number(row.pipeline)) if row.pipeline else Cell(NOTHING)
            for _, words, number in pipeline_columns(comparison.rows)
        ),
        _bytes(row.needed_bytes),
        Cell(NOTHING if row.flops is None else readable_flops(row.flops), row.flops),
        *(_bytes(wire_bytes(row, axis)) for axis in mesh_axes_of(comparison.rows)),
        *(_seconds(parts.get(resource)) for resource in labels_of(comparison.rows)),
    )


def _bytes(count: int | None) -> Cell:
    return Cell(NOTHING if count is None else readable_bytes(count), count)


def _seconds(seconds: float | None) -> Cell:
    return Cell(NOTHING if seconds is None else readable_seconds(seconds), seconds)
