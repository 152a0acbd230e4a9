"""A picture of one array over the mesh, in box-drawing characters; colours repeat what the boxes say."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from axisrules.report.leaf_words import picture_caption, range_words, side_words
from axisrules.report.palette import BLOCK_STYLES
from axisrules.report.picture import Panel, Picture, Range, Side, device_list

MARGIN = 2
MAX_ROWS = 16
MAX_PANELS = 8


def picture_text(picture: Picture, width: int) -> Iterator[RenderableType]:
    """The picture, at most `width` columns wide; blocks that do not fit are counted, not drawn."""
    yield Padding(Text(picture_caption(picture), "dim"), (0, 0, 0, MARGIN), expand=False)
    for number, panel in enumerate(picture.panels[:MAX_PANELS]):
        if panel.fixed:
            words = ", ".join(f"{side_words(side)} {range_words(chosen)}" for side, chosen in panel.fixed)
            yield Text(f"  {words}")
        yield from _panel(picture, panel, number, width)
    yield from _left_out(len(picture.panels) - MAX_PANELS, "panel")


def _panel(picture: Picture, panel: Panel, number: int, width: int) -> Iterator[Text]:
    row_labels = [range_words(chosen) for chosen in _ranges(picture.rows)]
    column_labels = [range_words(chosen) for chosen in _ranges(picture.columns)]
    label_width = max(map(len, row_labels))
    cells = [[device_list(devices) for devices in row] for row in panel.cells]
    cell_width = 2 + max(len(text) for text in [*column_labels, *(text for row in cells for text in row)])
    room = (width - MARGIN - label_width - 2) // (cell_width + 1)
    shown = range(min(len(column_labels), max(1, room)))
    indent = " " * (MARGIN + label_width + 1)

    def rule(left: str, middle: str, right: str) -> Text:
        return Text(indent + left + middle.join("─" * cell_width for _ in shown) + right, "dim")

    yield Text(indent + " " + " ".join(f"{column_labels[c]:^{cell_width}}" for c in shown))
    yield rule("┌", "┬", "┐")
    for r, row in enumerate(cells[:MAX_ROWS]):
        if r:
            yield rule("├", "┼", "┤")
        line = Text(f"{'':{MARGIN}}{row_labels[r]:>{label_width}} ").append("│", "dim")
        for c in shown:
            block = (number * len(cells) + r) * len(row) + c
            line.append(f"{row[c]:^{cell_width}}", BLOCK_STYLES[block % len(BLOCK_STYLES)]).append("│", "dim")
        yield line
    yield rule("└", "┴", "┘")
    yield from _left_out(len(column_labels) - len(shown), "column")
    yield from _left_out(len(cells) - MAX_ROWS, "row")


def _ranges(side: Side | None) -> Sequence[Range | None]:
    return side.ranges if side else [None]


def _left_out(count: int, noun: str) -> Iterator[Text]:
    if count > 0:
        yield Text(f"  and {count} more {noun}{'s' * (count > 1)} in the same order", "dim")
