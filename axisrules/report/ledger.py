"""Every collective of a compiled step as a table: grouped, sorted, and with totals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from axisrules.diagnostics import printable, to_json
from axisrules.report.columns import Column, spaced_tables
from axisrules.report.findings import findings_summary
from axisrules.report.layout_page import layout_part
from axisrules.report.layout_words import error_words, layout_title
from axisrules.report.ledger_rows import LedgerRow, SortKey, ledger_rows
from axisrules.report.page import Page, render_page
from axisrules.report.plain import plain_text
from axisrules.report.quantities import counted, readable_bytes

if TYPE_CHECKING:
    from axisrules.analysis import GroupKey, Ledger
    from axisrules.evidence import LayoutEvidence

LEGEND = (
    "bytes are those of one device and step; payload is what a collective makes, wire what a device sends"
)
UNCERTAIN = "a count with ? is a guess: a conditional, or a loop whose trips the program does not say"


@dataclass(frozen=True)
class LedgerTable:
    """The ledger of one layout, filtered before: in a terminal, as JSON and as a page.

    With `group_by`, a row for every combination of those facts; else one for every collective, those
    alike but for the number of their layer together.
    """

    evidence: LayoutEvidence
    model: str = ""
    group_by: tuple[GroupKey, ...] = ()
    sort: SortKey = "wire"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(layout_title(self.evidence), "bold")
        yield ""
        ledger = self.evidence.ledger
        if ledger is None:
            yield Text.assemble(("no ledger", "bold red"), ": ", error_words(self.evidence.error or ""))
        else:
            yield from _ledger_text(self, ledger, options.max_width)
        if self.evidence.findings:
            yield ""
            yield Text(f"{findings_summary(self.evidence.findings)}; `axisrules audit` shows them", "yellow")

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`: totals, every collective (and groups where asked for), findings."""
        ledger = self.evidence.ledger
        return {
            "model": self.model,
            "layout": self.evidence.rules,
            "target": str(self.evidence.target),
            "mesh": dict(self.evidence.mesh.sizes),
            "mode": self.evidence.mode,
            "error": self.evidence.error,
            "ledger": None if ledger is None else ledger.to_json(),
            "groups": [] if ledger is None else _groups_json(ledger, self.group_by),
            "diagnostics": [to_json(finding) for finding in self.evidence.findings],
        }

    def to_html(self) -> str:
        """A whole HTML document, for a file."""
        title = layout_title(self.evidence)
        part = layout_part(self.evidence, "layout-1", title="")
        return render_page(Page("ledger", title, facts=(printable(self.model),), layouts=(part,)))

    def __str__(self) -> str:
        return plain_text(self)


def totals_words(ledger: Ledger) -> str:
    """`12 collectives in a step: payload 1.2 GiB, wire 900 MiB`."""
    return (
        f"{counted(ledger.count, 'collective')} in a step:"
        f" payload {readable_bytes(ledger.total_bytes)}, wire {readable_bytes(ledger.wire_bytes)}"
    )


def _ledger_text(table: LedgerTable, ledger: Ledger, width: int) -> Iterator[RenderableType]:
    yield Text(totals_words(ledger))
    if not len(ledger):
        return
    yield ""
    if table.group_by:
        keys, facts = _group_columns(ledger, table.group_by)
        yield from spaced_tables(keys, facts, width)
        yield ""
        yield Text(LEGEND, "dim")
        return
    rows = ledger_rows(ledger, table.sort)
    yield from spaced_tables(*_columns(rows), width)
    yield ""
    yield Text(LEGEND, "dim")
    if not all(row.is_certain for row in rows):
        yield Text(UNCERTAIN, "dim")


def _columns(rows: list[LedgerRow]) -> tuple[list[Column], list[Column]]:
    numbers = Column("#", tuple(str(place) for place in range(1, len(rows) + 1)), style="dim")
    kind = Column("kind", tuple(row.kind for row in rows), is_number=False, style="bold")

    def words(heading: str, theme: str, *cells: str) -> Column:
        return Column(heading, cells, theme, is_number=False)

    facts = [
        Column("count", tuple(row.count_words for row in rows), "what"),
        Column("payload", tuple(readable_bytes(row.payload_bytes) for row in rows), "what"),
        Column("wire", tuple(readable_bytes(row.wire_bytes) for row in rows), "what"),
        words("mesh axes", "what", *(row.mesh_axes for row in rows)),
        words("network", "what", *(row.first.network for row in rows)),
        words("pass", "what", *(row.first.direction for row in rows)),
        words("module", "where", *(row.module_path for row in rows)),
        words("line", "where", *(row.source for row in rows)),
        words("logical axes", "why", *(row.logical_axes for row in rows)),
        words("rule", "why", *(row.rules for row in rows)),
    ]
    return [numbers, kind], facts


def _group_columns(ledger: Ledger, keys: tuple[GroupKey, ...]) -> tuple[list[Column], list[Column]]:
    groups = ledger.group_by(*keys)
    names = [
        Column(
            key.replace("_", " "),
            tuple(printable(values[place]) or "-" for values in groups),
            is_number=False,
            style="bold",
        )
        for place, key in enumerate(keys)
    ]
    facts = [
        Column("count", tuple(f"{group.count:,}" for group in groups.values())),
        Column("payload", tuple(readable_bytes(group.total_bytes) for group in groups.values())),
        Column("wire", tuple(readable_bytes(group.wire_bytes) for group in groups.values())),
    ]
    return names, facts


def _groups_json(ledger: Ledger, keys: tuple[GroupKey, ...]) -> list[dict[str, Any]]:
    if not keys:
        return []
    return [
        {
            **dict(zip(keys, values, strict=True)),
            "count": group.count,
            "total_bytes": group.total_bytes,
            "wire_bytes": group.wire_bytes,
        }
        for values, group in ledger.group_by(*keys).items()
    ]
