"""What a page is made of, as plain values: the templates read these and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from axisrules.report.page.bars import Chart
from axisrules.report.page.drawing import MeshDrawing
from axisrules.report.page.leaves import LeafFacts


@dataclass(frozen=True, slots=True)
class Heading:
    """The head of a column. The rows can be filtered by the values of a column that `is_choice`."""

    text: str
    is_number: bool = False
    is_choice: bool = False
    is_code: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: its text, more text `below` it, and the number to sort by where that is not the text.

    `link` is an anchor on the page.
    """

    text: str
    order: float | None = None
    below: str = ""
    link: str = ""
    tone: str = ""


@dataclass(frozen=True)
class DataTable:
    """A table to read, and with the script to sort and to filter."""

    ident: str
    caption: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]
    noun: str = "row"
    note: str = ""

    def choices(self, column: int) -> list[str]:
        """The different values of a column, in order."""
        return sorted({row[column].text for row in self.rows})


@dataclass(frozen=True, slots=True)
class Findings:
    """Findings as text, and in one line."""

    summary: str
    text: str


@dataclass(frozen=True)
class LayoutPart:
    """All that is told of one layout: its facts, findings, mesh, collectives and leaves."""

    ident: str
    title: str
    facts: tuple[tuple[str, str], ...]
    findings: Findings | None = None
    error: str = ""
    mesh: MeshDrawing | None = None
    collectives: DataTable | None = None
    leaves: tuple[LeafFacts, ...] = ()


@dataclass(frozen=True)
class Page:
    """A whole report: what it is about, charts and a table of all layouts, then each layout."""

    kind: str
    title: str
    facts: tuple[str, ...]
    findings: Findings | None = None
    time_charts: tuple[Chart, ...] = ()
    memory_charts: tuple[Chart, ...] = ()
    comparison: DataTable | None = None
    notes: tuple[str, ...] = ()
    layouts: tuple[LayoutPart, ...] = ()


def script_data(layouts: Iterable[LayoutPart]) -> dict[str, object]:
    """What the script needs to colour the mesh: per layout the mesh axes, the leaves' cuts, the places."""
    return {
        layout.ident: {
            "mesh": [[mesh_axis, size] for mesh_axis, size in layout.mesh.mesh.sizes],
            "places": list(layout.mesh.grid.places),
            "leaves": [
                [[name, size, list(mesh_axes)] for name, size, mesh_axes in leaf.cuts]
                for leaf in layout.leaves
            ],
        }
        for layout in layouts
        if layout.mesh
    }
