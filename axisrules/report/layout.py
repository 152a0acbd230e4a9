"""Lines that fit: one per entry where the terminal is wide enough, two where it is not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

MARGIN = 2
GAP = 2
DEEPER = 4


@dataclass(frozen=True)
class Entry:
    """A path, what is said of it, and a number that stands flush right."""

    path: Text
    cells: tuple[Text, ...]
    number: str


@dataclass(frozen=True)
class Columns:
    """The width of every column, so that all entries of a report line up, and that of the report."""

    path: int
    cells: tuple[int, ...]
    number: int
    available: int

    @property
    def needed(self) -> int:
        """What one line per entry takes."""
        return MARGIN + self.path + sum(GAP + cell for cell in self.cells) + GAP + self.number

    @property
    def is_wide(self) -> bool:
        """Whether an entry fits on one line."""
        return self.needed <= self.available

    @property
    def edge(self) -> int:
        """Where numbers end."""
        return self.needed if self.is_wide else self.available


def columns_for(entries: Sequence[Entry], available: int) -> Columns:
    """The columns that hold all `entries`, which have equally many cells."""
    cells = zip(*(entry.cells for entry in entries), strict=True)
    return Columns(
        max((entry.path.cell_len for entry in entries), default=0),
        tuple(max(cell.cell_len for cell in column) for column in cells),
        max((len(entry.number) for entry in entries), default=0),
        available,
    )


def entry_lines(entry: Entry, columns: Columns) -> Iterator[RenderableType]:
    """The entry on one line, or on two: nothing is cut off, what is too long wraps."""
    if columns.is_wide:
        line = _filled(entry.path, columns.path)
        for cell, width in zip(entry.cells, columns.cells, strict=True):
            line.append(" " * GAP).append_text(_filled(cell, width))
        yield flush_right(line, Text(entry.number), MARGIN, columns.edge)
        return
    yield flush_right(entry.path, Text(entry.number), MARGIN, columns.edge)
    *words, last = entry.cells
    yield flush_right(Text(" " * GAP).join(words), last, DEEPER, columns.edge)


def flush_right(text: Text, right: Text, margin: int, edge: int) -> RenderableType:
    """`text` at `margin` and `right` ending at `edge`, below it where they would meet."""
    room = edge - margin - text.cell_len - right.cell_len
    if right and room >= GAP:
        return Text(" " * margin).append_text(text).append(" " * room).append_text(right)
    if not right:
        return Padding(text, (0, 0, 0, margin), expand=False)
    below = Text(" " * max(0, edge - right.cell_len)).append_text(right)
    return Group(Padding(text, (0, 0, 0, margin), expand=False), below)


def _filled(text: Text, width: int) -> Text:
    return text.copy().append(" " * (width - text.cell_len))
