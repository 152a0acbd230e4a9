"""What can be compiled for: chips, their figures, and where each figure comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from axisrules.mesh import Chip, ChipFigure
from axisrules.report.columns import NOTHING, Column, spaced_tables
from axisrules.report.plain import plain_text
from axisrules.report.quantities import counted, readable_bytes

# Column and figure; the other figures stand in a chip's own list.
SHOWN = (
    ("bf16", "matmul_bf16"),
    ("HBM rate", "memory_bandwidth"),
    ("limit", "compile_limit"),
    ("link", "link"),
    ("network", "network"),
)
LEGEND = (
    "a figure with * is not published as it stands: derived, taken from the compiler, or assumed;"
    " a chip's own list says which, and how: axisrules targets CHIP"
)


@dataclass(frozen=True)
class TargetsTable:
    """Chips side by side; with `is_whole`, every figure of each with its source."""

    chips: tuple[Chip, ...]
    is_whole: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.is_whole:
            for place, chip in enumerate(self.chips):
                yield from [""] if place else []
                yield from _chip_text(chip, options.max_width)
            return
        yield from spaced_tables(*_columns(self.chips), options.max_width)
        yield ""
        yield Text(LEGEND, "dim")

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`: every chip with its shapes and every figure with its source."""
        return {"chips": [_chip_json(chip) for chip in self.chips]}

    def __str__(self) -> str:
        return plain_text(self)


def figure_words(figure: ChipFigure) -> str:
    """`197 TFLOP/s`, with a `*` where the maker does not publish it as it stands."""
    mark = "" if figure.basis == "published" else " *"
    return f"{figure.amount:g} {figure.unit}{mark}"


def example_target(chip: Chip) -> str:
    """A target of this chip, as the command line takes it."""
    if chip.platform == "gpu":
        return f"gpu:{chip.name}:1x{chip.shapes.per_node}"
    return f"tpu:{chip.name}:{'x'.join(['4'] * chip.shapes.rank)}"


def _columns(chips: Sequence[Chip]) -> tuple[list[Column], list[Column]]:
    keys = [Column("chip", tuple(chip.name for chip in chips), is_number=False, style="bold")]
    facts = [
        Column("as a target", tuple(example_target(chip) for chip in chips), "target", False),
        Column("up to", tuple(_largest(chip) for chip in chips), "target"),
        Column("devices", tuple(str(chip.devices) for chip in chips), "target"),
        Column("HBM", tuple(readable_bytes(chip.memory_bytes) for chip in chips), "figures"),
        *(
            Column(heading, tuple(_figure(chip, name) for chip in chips), "figures")
            for heading, name in SHOWN
        ),
    ]
    return keys, facts


def _largest(chip: Chip) -> str:
    return counted(chip.shapes.largest, "GPU" if chip.platform == "gpu" else "chip")


def _figure(chip: Chip, name: str) -> str:
    found = next((figure for figure in chip.figures if figure.name == name), None)
    if found is None:
        return NOTHING
    links = f"{chip.links} x " if name == "link" and chip.platform == "tpu" else ""
    return links + figure_words(found)


def _chip_text(chip: Chip, width: int) -> Iterator[RenderableType]:
    devices = counted(chip.devices, "device")
    yield Text.assemble((chip.name, "bold"), f"  {example_target(chip)}, up to {_largest(chip)}")
    yield Text(f"a chip has {devices} and {readable_bytes(chip.memory_bytes)} of HBM: {chip.source}")
    yield ""
    keys = [Column("figure", tuple(f.name.replace("_", " ") for f in chip.figures), is_number=False)]
    facts = [
        Column("value", tuple(f"{f.amount:g} {f.unit}" for f in chip.figures)),
        _words("basis", (f.basis for f in chip.figures), ""),
        _words("source", (f.source or NOTHING for f in chip.figures), "source"),
        _words("how", (f.note or NOTHING for f in chip.figures), "source"),
    ]
    yield from spaced_tables(keys, facts, width)


def _words(heading: str, cells: Iterable[str], theme: str) -> Column:
    return Column(heading, tuple(cells), theme, is_number=False)


def _chip_json(chip: Chip) -> dict[str, Any]:
    return {
        "name": chip.name,
        "platform": chip.platform,
        "example": example_target(chip),
        "devices_per_chip": chip.devices,
        "links": chip.links,
        "largest": chip.shapes.largest,
        "listed": list(chip.shapes.listed),
        "memory_bytes": chip.memory_bytes,
        "source": chip.source,
        "figures": [
            {
                "name": figure.name,
                "amount": figure.amount,
                "unit": figure.unit,
                "value": figure.value,
                "basis": figure.basis,
                "source": figure.source,
                "note": figure.note,
            }
            for figure in chip.figures
        ],
    }
