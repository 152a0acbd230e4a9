"""A ledger in rows: collectives that differ in the numbers of their layers alone share one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from axisrules.analysis import Collective, Ledger
from axisrules.diagnostics import printable
from axisrules.report.rows import grouped, starred, without_numbers

SortKey = Literal["wire", "payload", "count", "schedule", "kind", "module"]
SORT_KEYS: tuple[SortKey, ...] = ("wire", "payload", "count", "schedule", "kind", "module")
MAX_PATH = 512


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """Collectives alike; bytes are per device and step, `count` is how often one of them is launched."""

    first: Collective
    module_path: str
    count: int
    payload_bytes: int
    wire_bytes: int

    @property
    def kind(self) -> str:
        """What it does, and what it stands for where the compiler has taken it apart."""
        return f"{self.first.kind} for {self.first.replaces}" if self.first.replaces else self.first.kind

    @property
    def mesh_axes(self) -> str:
        """The mesh axes that it runs over, in part or whole."""
        return printable(" ".join(map(str, self.first.axes))) or "-"

    @property
    def is_certain(self) -> bool:
        """Whether its count is known: no conditional, and no loop whose trips could not be counted."""
        return not self.first.is_conditional and all(loop.is_known for loop in self.first.loops)

    @property
    def count_words(self) -> str:
        """The count; `?` follows one that is not certain."""
        return f"{self.count:,}" + ("" if self.is_certain else "?")

    @property
    def source(self) -> str:
        """The line of the user's model, its path short."""
        return printable(short_source(str(self.first.source)), MAX_PATH) if self.first.source else "-"

    @property
    def logical_axes(self) -> str:
        """The logical axes that lie on its mesh axes."""
        return printable(" ".join(self.first.logical_axes)) or "-"

    @property
    def rules(self) -> str:
        """Where the rules stand that put them there."""
        return printable(", ".join(short_source(rule) for rule in self.first.rules), MAX_PATH) or "-"


def ledger_rows(ledger: Iterable[Collective], sort: SortKey = "wire") -> list[LedgerRow]:
    """A row for collectives alike; the most bytes on the wire first, or as `sort` says."""
    rows = [_row(group) for group in grouped(ledger, _key)]
    orders = {
        "wire": lambda row: -row.wire_bytes,
        "payload": lambda row: -row.payload_bytes,
        "count": lambda row: -row.count,
        "schedule": lambda _: 0,  # a ledger is in that order
        "kind": lambda row: (row.kind, -row.wire_bytes),
        "module": lambda row: (row.module_path, -row.wire_bytes),
    }
    return sorted(rows, key=orders[sort])


def short_source(source: str) -> str:
    """A place in a file, seen from the working folder where it is inside, else by its last two parts.

    >>> short_source("/usr/lib/python3/site-packages/flax/linen/linear.py:7")
    'linen/linear.py:7'
    """
    path = Path(source)
    if not path.is_absolute():
        return source
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else "/".join(path.parts[-2:])


def _key(one: Collective) -> tuple[object, ...]:
    loops = tuple((loop.trip_count, loop.is_known) for loop in one.loops)
    where = without_numbers(one.module_path), one.source, one.logical_axes, one.rules
    return one.kind, one.replaces, one.axes, one.network, one.direction, loops, one.is_conditional, *where


def _row(group: Sequence[Collective]) -> LedgerRow:
    ledger = Ledger(tuple(group))
    path = printable(starred(one.module_path for one in group), MAX_PATH)
    return LedgerRow(group[0], path or "-", ledger.count, ledger.total_bytes, ledger.wire_bytes)
