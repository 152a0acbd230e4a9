"""All leaves of a plan on one page: a line each, totals, and a picture of the array that is cut most."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from axisrules.diagnostics import printable
from axisrules.mesh import MeshSpec
from axisrules.report.layout import MARGIN, Entry, columns_for, entry_lines, flush_right
from axisrules.report.leaf_words import shape_words
from axisrules.report.picture import draw, most_cut
from axisrules.report.picture_text import picture_text
from axisrules.report.quantities import counted, readable_bytes
from axisrules.report.rows import Row, Section, sections, totals
from axisrules.report.styled_words import dims_text
from axisrules.resolve import Plan

LEGEND = "logical axis=size[mesh axes that cut it]  shape and bytes on one device"


def overview_text(plan: Plan, width: int) -> Iterator[RenderableType]:
    """Every leaf (alike layers share a line), the totals and one picture."""
    found = sections(plan)
    entries = {id(row): _entry(row, plan.mesh) for section in found for row in section.rows}
    columns = columns_for(list(entries.values()), width)
    yield Text(LEGEND, "dim")
    for section in found:
        yield ""
        yield _heading(section)
        for row in section.rows:
            yield from entry_lines(entries[id(row)], columns)
        if section.followers:
            count = counted(len(section.followers), "leaf", "leaves")
            size = Text(readable_bytes(sum(follower.bytes_per_device for follower in section.followers)))
            words = Text(f"{count} cut as the params that they follow", "italic")
            yield flush_right(words, size, MARGIN, columns.edge)
    yield ""
    yield totals_table(plan)
    example = most_cut(plan.leaves)
    if example:
        yield ""
        yield Text.assemble(("the most cut array  ", "dim"), (printable(example.path), "bold"))
        yield ""
        yield from picture_text(draw(example, plan.mesh), width)


def totals_table(plan: Plan) -> Table:
    """Bytes of every kind, whole and on one device."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("kind")
    for heading in ("leaves", "whole", "one device", "share"):
        table.add_column(heading, justify="right")
    for total in totals(plan):
        share = f"{total.bytes_per_device / total.bytes:.1%}" if total.bytes else ""
        sizes = readable_bytes(total.bytes), readable_bytes(total.bytes_per_device)
        table.add_row(Text(total.kind, "bold"), str(total.leaf_count), *sizes, share)
    return table


def _heading(section: Section) -> Text:
    count = len(section.followers) + sum(len(row.plans) for row in section.rows)
    return Text.assemble((section.kind, "bold"), (f"  {counted(count, 'leaf', 'leaves')}", "dim"))


def _entry(row: Row, mesh: MeshSpec) -> Entry:
    path = Text(printable(row.path, limit=512))
    if len(row.plans) > 1:
        path.append(f" ({len(row.plans)} alike)", "dim")
    local = Text(shape_words(row.first.local_shape) if row.first.leaf.shape else "", "dim")
    return Entry(path, (dims_text(row.first, mesh), local), readable_bytes(row.bytes_per_device))
