"""A picture of one array over the mesh, as HTML tables."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from axisrules.report.html import element
from axisrules.report.leaf_words import picture_caption, range_words, side_words
from axisrules.report.palette import BLOCK_HUES
from axisrules.report.picture import Panel, Picture, device_list

MAX_ROWS = 16
MAX_COLUMNS = 16
MAX_PANELS = 4


def picture_html(picture: Picture) -> Iterator[Element]:
    """The picture's panels; blocks beyond 16 rows, 16 columns and 4 panels are counted, not drawn."""
    yield element("div", picture_caption(picture), class_="quiet")
    for number, panel in enumerate(picture.panels[:MAX_PANELS]):
        if panel.fixed:
            words = ", ".join(f"{side_words(side)} {range_words(chosen)}" for side, chosen in panel.fixed)
            yield element("div", words)
        yield _panel(picture, panel, number)
    shown = sum(len(row[:MAX_COLUMNS]) for p in picture.panels[:MAX_PANELS] for row in p.cells[:MAX_ROWS])
    if shown < picture.block_count:
        yield element(
            "div", f"and {picture.block_count - shown} more blocks in the same order", class_="quiet"
        )


def _panel(picture: Picture, panel: Panel, number: int) -> Element:
    row_ranges = picture.rows.ranges if picture.rows else (None,)
    column_ranges = picture.columns.ranges if picture.columns else (None,)
    labels = [element("th", range_words(chosen)) for chosen in column_ranges[:MAX_COLUMNS]]
    made = element("table", element("tr", element("th"), *labels), class_="picture")
    for r, row in enumerate(panel.cells[:MAX_ROWS]):
        line = element("tr", element("th", range_words(row_ranges[r])))
        for c, devices in enumerate(row[:MAX_COLUMNS]):
            block = (number * len(panel.cells) + r) * len(row) + c
            hue = BLOCK_HUES[block % len(BLOCK_HUES)]
            style = f"background: hsla({hue}, 70%, 50%, .35)"
            line.append(element("td", device_list(devices), style=style))
        made.append(line)
    return made
