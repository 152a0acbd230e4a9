"""Reports as plain strings."""

from io import StringIO

from rich.console import Console, RenderableType

WIDTH = 100


def plain_text(report: RenderableType) -> str:
    """The report without colour, 100 columns wide, whatever terminal there is."""
    file = StringIO()
    console = Console(file=file, width=WIDTH, color_system=None, highlight=False, markup=False, emoji=False)
    console.print(report)
    return file.getvalue().rstrip("\n")
