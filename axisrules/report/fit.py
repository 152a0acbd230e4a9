"""What fits: each table on its mesh of the least memory, and the smallest slice that holds the program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from axisrules.diagnostics import printable
from axisrules.report.columns import NOTHING, Column, spaced_tables
from axisrules.report.html import element, fragment, table, whole_page
from axisrules.report.layout_words import error_words
from axisrules.report.plain import plain_text
from axisrules.report.quantities import counted, percent, readable_bytes

if TYPE_CHECKING:
    from axisrules.search import FitReport, TableFit

LEGEND = (
    "bytes are those of one device; state is parameters, optimizer state and batch;"
    " needed is what the compiled step takes, and not known where the state alone is too much"
)


@dataclass(frozen=True)
class FitTable:
    """An answer to whether a program fits, ready to be shown in a terminal, in a notebook and as JSON."""

    report: FitReport
    model: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self._title(), "dim")
        yield ""
        keys, facts = _columns(self.report)
        yield from spaced_tables(keys, facts, options.max_width)
        yield ""
        yield Text(LEGEND, "dim")
        yield Text(verdict(self.report), "bold green" if self.report.fits else "bold red")
        yield from _errors(self.report)

    def _repr_html_(self) -> str:
        keys, facts = _columns(self.report)
        shown = [*keys, *facts]
        numbers = [place for place, column in enumerate(shown) if column.is_number]
        cells = zip(*(column.cells for column in shown), strict=True)
        words = [element("p", text) for text in (self._title(), verdict(self.report))]
        return fragment(*words, table([column.heading for column in shown], cells, numbers=numbers))

    def to_html(self) -> str:
        """A whole HTML document, for a file."""
        return whole_page("axisrules: fit", self._repr_html_())

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`: every table, and the smallest slice."""
        report = self.report
        return {
            "model": self.model,
            "target": str(report.target),
            "limit_bytes": report.limit_bytes,
            "fits": report.fits,
            "rows": [_row_json(row) for row in report.rows],
            "smallest": None if report.smallest is None else _row_json(report.smallest),
            "compiles": report.compiles,
        }

    def _title(self) -> str:
        model = f"{printable(self.model)} on " if self.model else ""
        room = readable_bytes(self.report.limit_bytes)
        return f"{model}{self.report.target}, {room} of a device to fill; {self.report.compiles} compiled"

    def __str__(self) -> str:
        return plain_text(self)


def verdict(report: FitReport) -> str:
    """Whether it fits, and the smallest slice on which it does, in a sentence."""
    fitting = [printable(row.rules) for row in report.rows if row.fits]
    here = (
        f"fits on {report.target} under {', '.join(fitting)}"
        if fitting
        else f"does not fit on {report.target}"
    )
    smallest = report.smallest
    if smallest is None:
        return f"{here}, nor on any slice on offer"
    if smallest.target == report.target:
        return f"{here}; no smaller slice holds it"
    size = counted(smallest.target.device_count, "device")
    need = readable_bytes(smallest.needed_bytes or 0)
    mesh = f"{printable(smallest.rules)} on ({smallest.mesh})"
    return f"{here}; the smallest slice is {smallest.target}, {size}: {mesh} needs {need}"


def _columns(report: FitReport) -> tuple[list[Column], list[Column]]:
    rows = report.rows
    keys = [
        Column("rules", tuple(printable(row.rules) for row in rows), is_number=False, style="bold"),
        Column("fits", tuple(_fits(row) for row in rows), is_number=False),
    ]
    room = report.limit_bytes
    return keys, [
        Column("leanest mesh", tuple(str(row.mesh or NOTHING) for row in rows), is_number=False),
        Column("state", tuple(_bytes(row.state_bytes) for row in rows)),
        Column("needed", tuple(_bytes(row.needed_bytes) for row in rows)),
        Column("of the room", tuple(_share(row.needed_bytes or row.state_bytes, room) for row in rows)),
    ]


def _fits(row: TableFit) -> str:
    return NOTHING if row.fits is None else "yes" if row.fits else "no"


def _share(count: int | None, room: int) -> str:
    return NOTHING if count is None else percent(count / room)


def _bytes(count: int | None) -> str:
    return NOTHING if count is None else readable_bytes(count)


def _errors(report: FitReport) -> Iterator[RenderableType]:
    for row in report.rows:
        if row.error:
            yield ""
            yield Text.assemble((printable(row.rules), "bold"), (" says nothing", "bold red"))
            yield Text(error_words(row.error))


def _row_json(row: TableFit) -> dict[str, Any]:
    return {
        "rules": row.rules,
        "target": str(row.target),
        "mesh": dict(row.mesh.sizes) if row.mesh else None,
        "state_bytes": row.state_bytes,
        "needed_bytes": row.needed_bytes,
        "fits": row.fits,
        "error": row.error or None,
    }
