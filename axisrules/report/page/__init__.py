"""The HTML report: values for charts, drawings and tables, and the template that shows them."""

from axisrules.report.page.bars import Bar, Chart, Part, make_chart
from axisrules.report.page.drawing import MeshDrawing, draw_mesh
from axisrules.report.page.grid import Grid, chip_grid, mesh_grid
from axisrules.report.page.leaves import LeafFacts, leaf_facts
from axisrules.report.page.parts import Cell, DataTable, Findings, Heading, LayoutPart, Page
from axisrules.report.page.render import render_page

__all__ = [
    "Bar",
    "Cell",
    "Chart",
    "DataTable",
    "Findings",
    "Grid",
    "Heading",
    "LayoutPart",
    "LeafFacts",
    "MeshDrawing",
    "Page",
    "Part",
    "chip_grid",
    "draw_mesh",
    "leaf_facts",
    "make_chart",
    "mesh_grid",
    "render_page",
]
