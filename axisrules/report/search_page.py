"""A search as a page: charts of the best few, a table of all that was tried, the reasons, the finalists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from axisrules.diagnostics import printable, render_text
from axisrules.report.columns import NOTHING
from axisrules.report.findings import findings_summary
from axisrules.report.layout_page import layout_part
from axisrules.report.layout_words import error_words
from axisrules.report.page import (
    Bar,
    Cell,
    Chart,
    DataTable,
    Findings,
    Heading,
    LayoutPart,
    Page,
    Part,
    make_chart,
)
from axisrules.report.quantities import percent, readable_bytes, readable_seconds
from axisrules.report.search_words import (
    basis_words,
    best_words,
    candidate_words,
    exposed_words,
    gap_words,
    space_words,
    tie_words,
)
from axisrules.report.step_time import KIND_OF_RESOURCE

if TYPE_CHECKING:
    from axisrules.search import Conclusion, Reason, Scored, SearchResult, WhatIf

IN_CHARTS = 12


def search_page(conclusion: Conclusion, model: str) -> Page:
    """The page of a search; only what was compiled in this run has its mesh, collectives and leaves."""
    result, findings = conclusion.result, conclusion.findings
    best = result.ranking[:IN_CHARTS]
    parts = [*_why(result, conclusion.reasons), *_what_ifs(conclusion.what_ifs), *_layouts(result)]
    return Page(
        kind="search",
        title=model or "Layouts searched",
        facts=tuple(space_words(result)),
        findings=Findings(findings_summary(findings), render_text(findings)) if findings else None,
        time_charts=(_time_chart(result, best),) if best else (),
        memory_charts=(_memory_chart(result, best),) if best else (),
        comparison=_table(result),
        notes=(best_words(result), *([tie_words(result)] if best else [])),
        layouts=tuple(parts),
    )


def _name(one: Scored) -> str:
    return printable(str(one.candidate))


def _time_chart(result: SearchResult, best: Sequence[Scored]) -> Chart:
    return make_chart(
        f"Step time on {result.space.target}", [_time_bar(one, result) for one in best], readable_seconds
    )


def _time_bar(one: Scored, result: SearchResult) -> Bar:
    whole = readable_seconds(one.seconds or 0.0)
    is_estimate = one.terms and not one.is_measured
    parts = (
        tuple(_time_parts(one))
        if is_estimate
        else (Part("compute", "whole step", one.seconds or 0.0, whole),)
    )
    return Bar(_name(one), "", parts, whole, f"{basis_words(one)}, {gap_words(one, result)}")


def _time_parts(one: Scored) -> Iterator[Part]:
    """The terms by resource, in the order of the colours."""
    places = [*KIND_OF_RESOURCE]
    seconds: dict[str, float] = {}
    for term in one.terms:
        label = f"{term.resource} exposed" if term.is_communication else term.resource
        seconds[label] = seconds.get(label, 0.0) + term.seconds
    ordered = sorted(seconds, key=lambda label: [*places, label.split()[0]].index(label.split()[0]))
    for label in ordered:
        kind = KIND_OF_RESOURCE.get(label.split()[0], "other")
        yield Part(kind, label, seconds[label], readable_seconds(seconds[label]))


def _memory_chart(result: SearchResult, best: Sequence[Scored]) -> Chart:
    hbm = next((one.hbm_bytes for one in best if one.hbm_bytes), None)
    limit = f"{readable_bytes(hbm)} of HBM" if hbm else ""
    return make_chart(
        str(result.space.target),
        [_memory_bar(one) for one in best],
        lambda size: readable_bytes(int(size)),
        limit_words=limit,
        base=1024,
    )


def _memory_bar(one: Scored) -> Bar:
    rest = max(0, (one.needed_bytes or 0) - one.param_bytes - one.optimizer_bytes)
    known = (
        ("params", "parameters", one.param_bytes),
        ("optimizer", "optimizer state", one.optimizer_bytes),
        ("temporary", "gradients, activations and the rest", rest),
    )
    parts = tuple(Part(kind, label, size, readable_bytes(size)) for kind, label, size in known if size)
    return Bar(_name(one), "", parts, readable_bytes(one.needed_bytes or 0), limit=one.hbm_bytes)


def _table(result: SearchResult) -> DataTable:
    headings = (
        Heading("rank", is_number=True, hint="among what fits"),
        Heading("mesh", is_choice=True),
        Heading("rules and step"),
        Heading("step", is_number=True),
        Heading("is", is_choice=True),
        Heading("slower", is_number=True, hint="than the best; a tie is within the error"),
        Heading("MFU", is_number=True),
        Heading("exposed", is_number=True, hint="share of the step; ! above 20%"),
        Heading("bubble", is_number=True, hint="share of the time that stages wait"),
        Heading("state", is_number=True, hint="parameters and optimizer state of one device"),
        Heading("needed", is_number=True, hint="bytes of one device"),
        Heading("sent", is_number=True, hint="bytes that one device sends in a step"),
    )
    ranks = {one.candidate: place for place, one in enumerate(result.ranking, 1)}
    others = [one for one in result.scored if one.candidate not in ranks]
    rows = tuple(_cells(one, result, ranks.get(one.candidate)) for one in (*result.ranking, *others))
    return DataTable("comparison-table", "All layouts that were tried", headings, rows, "layout")


def _cells(one: Scored, result: SearchResult, rank: int | None) -> tuple[Cell, ...]:
    share = one.exposed_seconds / one.seconds if one.seconds and one.terms else None
    state = one.param_bytes + one.optimizer_bytes
    gap = "failed" if one.error else "too large" if rank is None else gap_words(one, result)
    first = result.best.seconds if result.best else None
    return (
        Cell(NOTHING if rank is None else str(rank), rank),
        Cell(one.candidate.mesh),
        Cell(candidate_words(one.candidate)),
        Cell(NOTHING if one.seconds is None else readable_seconds(one.seconds), one.seconds),
        Cell(basis_words(one)),
        Cell(
            gap, one.seconds / first if rank and one.seconds and first else None, tone="" if rank else "bad"
        ),
        Cell(NOTHING if one.mfu is None else percent(one.mfu), one.mfu),
        Cell(exposed_words(one), share),
        Cell(percent(one.bubble) if one.candidate.schedule else NOTHING, one.bubble),
        Cell(readable_bytes(state), state),
        Cell(NOTHING if one.needed_bytes is None else readable_bytes(one.needed_bytes), one.needed_bytes),
        Cell(readable_bytes(one.wire_bytes), one.wire_bytes),
    )


def _why(result: SearchResult, reasons: Sequence[Reason]) -> Iterator[LayoutPart]:
    if reasons:
        facts = tuple(
            (printable(f"{one.choice} rather than {one.instead}"), printable(one.why, 1000))
            for one in reasons
        )
        yield LayoutPart("why", "Why this layout", facts)
    for place, one in enumerate(result.failed, 1):
        yield LayoutPart(f"failed-{place}", f"{_name(one)} failed", (), error=error_words(one.error or ""))


def _what_ifs(changes: Sequence[WhatIf]) -> Iterator[LayoutPart]:
    if changes:
        facts = tuple((f"with {one.change}", printable(one.answer, 1000)) for one in changes)
        yield LayoutPart("what-if", "What would change the answer", facts)


def _layouts(result: SearchResult) -> Iterator[LayoutPart]:
    """The finalists, or else the best few, whose evidence is there."""
    known = [one for one in result.ranking if one.evidence]
    for place, one in enumerate(known[: max(len(result.finalists), 1)], 1):
        assert one.evidence is not None, "only those were taken"
        yield layout_part(one.evidence, f"layout-{place}", title=f"{place}. {_name(one)}")
