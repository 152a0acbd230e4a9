"""What a search found: the best few side by side, why the best is the best, and what was not tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from axisrules.diagnostics import printable
from axisrules.report.columns import NOTHING, Column, spaced_tables
from axisrules.report.diff import DiffExplanation
from axisrules.report.findings import styled_findings
from axisrules.report.html import fragment, table
from axisrules.report.layout_words import error_words
from axisrules.report.page import render_page
from axisrules.report.plain import plain_text
from axisrules.report.quantities import percent, readable_bytes, readable_seconds
from axisrules.report.search_json import search_json
from axisrules.report.search_page import search_page
from axisrules.report.search_words import (
    basis_words,
    best_words,
    candidate_words,
    exposed_words,
    gap_words,
    shown_reasons,
    space_words,
    start_words,
    tie_words,
)

if TYPE_CHECKING:
    from axisrules.search import Conclusion, Reason, Scored, SearchResult

    Fact = Callable[[Scored], str]

SHOWN = 6
LEGEND = (
    "bytes are those of one device; state is parameters and optimizer state; sent is what a device sends in a"
    " step; exposed is the part of a step in which it waits for others, bubble that of waiting for its turn"
)


@dataclass(frozen=True)
class SearchTable:
    """A search, ready to be shown in a terminal, in a notebook, as JSON and as a page.

    `written` is where the best table lies.
    """

    conclusion: Conclusion
    model: str = ""
    written: str = ""

    @property
    def result(self) -> SearchResult:
        """What the search found."""
        return self.conclusion.result

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.model:
            yield Text(printable(self.model), "dim")
        for words in space_words(self.result):
            yield Text(words, "dim")
        yield ""
        if self.result.ranking:
            yield from spaced_tables(*columns(self.result), options.max_width)
            yield ""
            yield Text(LEGEND, "dim")
            yield ""
        yield from self._words()
        if self.conclusion.change:
            yield ""
            yield DiffExplanation(self.conclusion.change)
        yield from _failed(self.result)
        if self.conclusion.findings:
            yield ""
            yield styled_findings(self.conclusion.findings)

    def _words(self) -> Iterator[RenderableType]:
        best = self.result.best
        yield Text(best_words(self.result), "bold green" if best else "bold red")
        if self.result.is_interrupted:
            yield Text("the search was interrupted; the same command goes on where it was")
        if self.written:
            yield Text(f"written to {printable(self.written)}")
        if best:
            yield Text(tie_words(self.result), "dim")
        for reason in shown_reasons(self.conclusion.reasons):
            yield Text.assemble("  ", (printable(reason.choice), "bold"), printable(_because(reason), 1000))
        others = [f"{one.candidate} ({gap_words(one, self.result)})" for one in self.conclusion.nearly_won]
        if others:
            yield Text(f"nearly won: {printable('; '.join(others), 1000)}")
        for change in self.conclusion.what_ifs:
            yield Text(f"with {change.change}: {printable(change.answer, 1000)}")
        if self.conclusion.start:
            yield Text(start_words(self.conclusion))

    def _repr_html_(self) -> str:
        keys, facts = columns(self.result)
        shown = [*keys, *facts]
        numbers = [place for place, column in enumerate(shown) if column.is_number]
        cells = zip(*(column.cells for column in shown), strict=True)
        return fragment(table([column.heading for column in shown], cells, numbers=numbers))

    def to_html(self) -> str:
        """A whole HTML document, for a file."""
        return render_page(search_page(self.conclusion, printable(self.model)))

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`: the space, every candidate tried, the ranking and the reasons."""
        return search_json(self.conclusion) | {"model": self.model, "written": self.written or None}

    def __str__(self) -> str:
        return plain_text(self)


def _because(reason: Reason) -> str:
    return f" rather than {reason.instead}: {reason.why}"


def columns(result: SearchResult) -> tuple[list[Column], list[Column]]:
    """The columns that every table of the best few has, and the others by theme."""
    shown = result.ranking[:SHOWN]
    places = tuple(str(place) for place in range(1, len(shown) + 1))
    meshes = tuple(one.candidate.mesh for one in shown)
    keys = [
        Column("", places, style="dim"),
        Column("mesh", meshes, is_number=False, style="bold"),
    ]
    words = tuple(candidate_words(one.candidate) for one in shown)
    rules = Column("rules and step", words, "rules", is_number=False)
    return keys, [*_facts(result, shown), rules]


def _facts(result: SearchResult, shown: Sequence[Scored]) -> Iterator[Column]:
    themes: dict[str, list[tuple[str, Fact]]] = {
        "result": [
            ("step", lambda one: readable_seconds(one.seconds or 0.0)),
            ("is", basis_words),
            ("slower", lambda one: gap_words(one, result)),
            ("MFU", lambda one: NOTHING if one.mfu is None else percent(one.mfu)),
            ("exposed", exposed_words),
            ("bubble", lambda one: percent(one.bubble) if one.candidate.schedule else NOTHING),
        ],
        "memory": [
            ("state", lambda one: readable_bytes(one.param_bytes + one.optimizer_bytes)),
            ("needed", lambda one: _bytes(one.needed_bytes)),
            ("of HBM", lambda one: _bytes(one.hbm_bytes)),
            ("sent", lambda one: readable_bytes(one.wire_bytes) if one.terms or one.wire_bytes else NOTHING),
        ],
    }
    for theme, facts in themes.items():
        for heading, fact in facts:
            yield Column(heading, tuple(fact(one) for one in shown), theme)


def _bytes(count: int | None) -> str:
    return NOTHING if count is None else readable_bytes(count)


def _failed(result: SearchResult) -> Iterator[RenderableType]:
    for one in result.failed:
        yield ""
        yield Text.assemble((printable(str(one.candidate)), "bold"), (" failed", "bold red"))
        yield Text(error_words(one.error or ""))
