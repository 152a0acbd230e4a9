"""A pipeline schedule as an SVG document of its own."""

from collections.abc import Callable, Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from axisrules.schedules import KINDS, Schedule, Task

CELL, ROW, LABEL, TOP = 24, 26, 74, 52
MARGIN = 10
FILL = {"forward": "#8ecdf7", "backward": "#ffd58a", "weight": "#a9e5a9"}


def schedule_svg(
    schedule: Schedule, cell_words: Callable[[Schedule, Task], str], caption: Sequence[str]
) -> str:
    """The picture: a row per device, a column per tick, a box per task with its microbatch inside."""
    width = LABEL + CELL * len(schedule.ticks) + MARGIN
    height = TOP + ROW * schedule.stages + MARGIN + 20
    words = " ".join(caption)
    drawing = Element(
        "svg",
        {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {width} {height}", "role": "img"},
        width=str(width),
        height=str(height),
    )
    drawing.set("font-family", "sans-serif")
    drawing.set("font-size", "12")
    SubElement(drawing, "title").text = words
    SubElement(drawing, "rect", width=str(width), height=str(height), fill="white")
    _text(drawing, MARGIN, 18, words)
    for tick, kind in enumerate(schedule.ticks):
        _text(drawing, LABEL + CELL * tick + CELL / 2, TOP - 8, kind[0].upper(), "middle")
    for device in range(schedule.stages):
        _text(drawing, MARGIN, TOP + ROW * device + 17, f"device {device}")
    for task in schedule.tasks:
        x, y = LABEL + CELL * task.tick, TOP + ROW * task.device
        box = {"x": f"{x + 1}", "y": f"{y + 1}", "width": f"{CELL - 2}", "height": f"{ROW - 2}"}
        SubElement(drawing, "rect", box, rx="3", fill=FILL[task.kind])
        _text(drawing, x + CELL / 2, y + 17, cell_words(schedule, task), "middle")
    legend = ", ".join(f"{kind[0].upper()} {kind}" for kind in KINDS if kind in schedule.ticks)
    _text(drawing, MARGIN, height - 10, f"{legend}; empty boxes wait")
    return tostring(drawing, encoding="unicode") + "\n"


def _text(drawing: Element, x: float, y: float, words: str, anchor: str = "start") -> None:
    text = SubElement(drawing, "text", x=f"{x:g}", y=f"{y:g}", fill="black")
    text.set("text-anchor", anchor)
    text.text = words
