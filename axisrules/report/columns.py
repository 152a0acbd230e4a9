"""Facts in columns: one table where the terminal is wide enough, else one for each theme."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

GAP = 2
NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Column:
    """One fact of every row. Columns of one `theme` stay together where a table has to be split."""

    heading: str
    cells: tuple[str, ...]
    theme: str = ""
    is_number: bool = True
    style: str = ""

    @property
    def width(self) -> int:
        """What the widest cell takes, and the gap after it."""
        return max(Text(text).cell_len for text in (self.heading, *self.cells)) + GAP


def tables_that_fit(keys: Sequence[Column], facts: Sequence[Column], width: int) -> Iterator[Table]:
    """Tables at most `width` wide, each with all `keys`: one of everything, else one for each theme.

    A theme that is too wide itself goes on in further tables. A single column that is too wide
    wraps inside its cells.
    """
    room = max(1, width - sum(key.width for key in keys))
    for shown in _groups(facts, room):
        yield table_of([*keys, *shown])


def spaced_tables(keys: Sequence[Column], facts: Sequence[Column], width: int) -> Iterator[RenderableType]:
    """The same tables, a blank line between two."""
    for place, table in enumerate(tables_that_fit(keys, facts, width)):
        yield from [""] if place else []
        yield table


def table_of(columns: Sequence[Column]) -> Table:
    """One table of the columns, without lines; numbers stand flush right."""
    made = Table(box=None, padding=(0, GAP, 0, 0), header_style="dim", pad_edge=False)
    for column in columns:
        made.add_column(
            Text(column.heading),
            justify="right" if column.is_number else "left",
            style=column.style,
            overflow="fold",
        )
    for cells in zip(*(column.cells for column in columns), strict=True):
        made.add_row(*map(Text, cells))
    return made


def _groups(facts: Sequence[Column], room: int) -> Iterator[list[Column]]:
    if sum(fact.width for fact in facts) <= room:
        yield list(facts)
        return
    themes = dict.fromkeys(fact.theme for fact in facts)
    for theme in themes:
        yield from _chunks((fact for fact in facts if fact.theme == theme), room)


def _chunks(facts: Iterable[Column], room: int) -> Iterator[list[Column]]:
    chunk: list[Column] = []
    for fact in facts:
        if chunk and sum(one.width for one in chunk) + fact.width > room:
            yield chunk
            chunk = []
        chunk.append(fact)
    if chunk:
        yield chunk
