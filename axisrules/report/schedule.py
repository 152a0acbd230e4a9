"""Pipeline schedules drawn: a row per device, a column per tick; and several of them compared."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from string import ascii_lowercase
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from axisrules.report.quantities import readable_seconds
from axisrules.report.schedule_svg import schedule_svg
from axisrules.schedules import Costs, Facts, Schedule, Task, facts

KIND_STYLES = {
    "forward": "black on color(117)",
    "backward": "black on color(222)",
    "weight": "black on color(157)",
}
IDLE = "·"


@dataclass(frozen=True)
class SchedulePicture:
    """One schedule with its facts, to print, to draw as SVG or to store; `unit` is that of the costs."""

    schedule: Schedule
    costs: Costs
    unit: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The facts, and below them as many ticks as the width takes."""
        yield Text(" ".join(self._words))
        yield Text()
        yield from _grid(self.schedule, options.max_width)

    def to_svg(self) -> str:
        """The whole schedule as an SVG document."""
        return schedule_svg(self.schedule, cell_words, self._words)

    @property
    def _words(self) -> list[str]:
        return schedule_words(self.schedule, facts(self.schedule, self.costs), self.unit)

    def to_json(self) -> dict[str, Any]:
        """The facts and every task."""
        made = self.schedule
        return {
            **_row(made, facts(made, self.costs)),
            "kinds": list(made.ticks),
            "tasks": [asdict(task) for task in made.tasks],
        }


@dataclass(frozen=True)
class ScheduleTable:
    """Several schedules side by side, a row each, with what their stages cost in `unit`."""

    schedules: tuple[tuple[Schedule, Costs], ...]
    unit: str = ""

    def __rich__(self) -> Table:
        """Ticks, bubble, memory and time of each; the last column is the time of one microbatch."""
        table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
        table.add_column("schedule", no_wrap=True)
        sizes = ("stages", "microbatches", "repeats", "ticks")
        for head in (*sizes, "bubble", "live", "ring", "time", "each"):
            table.add_column(head, justify="right", no_wrap=True)
        for made, costs in self.schedules:
            found = facts(made, costs)
            counts = (made.stages, made.microbatches, made.repeats, found.ticks)
            each = _time(found.seconds / made.microbatches, self.unit, 3)
            kept = (found.peak_live, found.ring, _time(found.seconds, self.unit), each)
            table.add_row(made.name, *map(str, counts), f"{found.bubble:.1%}", *map(str, kept))
        return table

    def to_json(self) -> dict[str, Any]:
        """A row per schedule."""
        return {"schedules": [_row(made, facts(made, costs)) for made, costs in self.schedules]}


def cell_words(schedule: Schedule, task: Task) -> str:
    """The microbatch of a task, and a letter for the repeat where there are several.

    >>> from axisrules.schedules import gpipe
    >>> cell_words(gpipe(2, 2), Task(0, 0, "forward", 1, 0))
    '1'
    """
    if schedule.repeats == 1:
        return str(task.microbatch)
    return f"{task.microbatch}{ascii_lowercase[task.virtual_stage // schedule.stages % 26]}"


def schedule_words(schedule: Schedule, found: Facts, unit: str = "") -> list[str]:
    """What to say above a picture; times are in `unit`."""
    shape = f"{schedule.name}: {schedule.stages} stages, {schedule.microbatches} microbatches"
    if schedule.repeats > 1:
        shape += f", {schedule.repeats} stages to a device"
    kept = f"live {found.peak_live}, ring {found.ring},"
    time = f"time {_time(found.seconds, unit)}"
    return [f"{shape};", f"{found.ticks} ticks,", f"bubble {found.bubble:.1%},", kept, time]


def _time(seconds: float, unit: str, digits: int = 4) -> str:
    return readable_seconds(seconds) if unit == "s" else f"{seconds:,.{digits}g}"


def _grid(schedule: Schedule, width: int) -> Sequence[Text]:
    cells = {(task.tick, task.device): task for task in schedule.tasks}
    cell_width = 1 + max(len(cell_words(schedule, task)) for task in schedule.tasks)
    label_width = len(f"device {schedule.stages - 1}") + 1
    shown = range(min(len(schedule.ticks), max(1, (width - label_width) // cell_width)))
    kinds = "".join(f"{schedule.ticks[tick][0].upper():>{cell_width}}" for tick in shown)
    lines = [Text(f"{'':{label_width}}{kinds}", "dim")]
    for device in range(schedule.stages):
        line = Text(f"{f'device {device}':{label_width}}")
        for tick in shown:
            task = cells.get((tick, device))
            words = cell_words(schedule, task) if task else IDLE
            line.append(f"{words:>{cell_width}}", KIND_STYLES[task.kind] if task else "dim")
        lines.append(line)
    left = len(schedule.ticks) - len(shown)
    return [*lines, Text(f"and {left} more ticks", "dim")] if left else lines


def _row(schedule: Schedule, found: Facts) -> dict[str, Any]:
    sizes = ("name", "stages", "microbatches", "repeats")
    return {name: getattr(schedule, name) for name in sizes} | asdict(found)
