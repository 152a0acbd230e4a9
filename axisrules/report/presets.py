"""The list of shipped tables."""

from collections.abc import Iterable

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from axisrules.rules import RuleTable


def preset_list(tables: Iterable[RuleTable]) -> Padding:
    """Name, own mesh and purpose of every table."""
    listed = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    listed.add_column("name", no_wrap=True)
    listed.add_column("mesh", no_wrap=True)
    listed.add_column("what it does", ratio=1)
    for table in tables:
        listed.add_row(Text(table.name, "bold"), Text(table.mesh or "-", "cyan"), Text(table.doc))
    return Padding(listed, (0, 0, 0, 0))
