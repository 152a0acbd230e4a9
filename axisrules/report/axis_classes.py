"""A wrapped model's axes: a row for every class, with where its name comes from, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from axisrules.diagnostics import Diagnostic, catalog, printable, to_json
from axisrules.mesh import MeshSpec
from axisrules.report.findings import styled_findings
from axisrules.report.plain import plain_text
from axisrules.report.quantities import counted, readable_bytes
from axisrules.rules import RuleTable

if TYPE_CHECKING:  # a report of tables alone then loads no JAX
    from axisrules.adapters import Withheld, Wrapped

UNKNOWN = "?"
HEADINGS = ("name", "from", "size", "dims", "arrays", "for example")
MAX_LISTED = 12
STYLES = {"given": "green", "strong": "green", "weak": "yellow", "role": "yellow", "unknown": "red"}


# A table and the mesh it is held against.
Layout = tuple[RuleTable, MeshSpec]


@dataclass(frozen=True)
class AxisClassTable:
    """A wrapped model's axis classes, to be shown in a terminal or as JSON.

    With a layout, what is withheld is shown with what it costs there.
    """

    wrapped: Wrapped
    layout: Layout | None = None

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        """Those of the model; what is withheld by what it costs under the layout, where there is one."""
        if self.layout is None:
            return self.wrapped.findings
        others = [found for found in self.wrapped.findings if found.code != catalog.WITHHELD_NAME.code]
        return (*others, *self.wrapped.withheld_costs(*self.layout))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield _table(self.wrapped)
        yield ""
        yield from (Text(line) for line in _summary(self.wrapped, self.layout))
        if self.findings:
            yield ""
            yield styled_findings(self.findings)

    def to_json(self) -> dict[str, Any]:
        """Plain values: the classes, every parameter, every boundary, what is unknown and what was found."""
        wrapped = self.wrapped
        return {
            "classes": [
                {
                    "name": found.name,
                    "from": found.source,
                    "size": int(found.size),
                    "dims": len(found.members),
                    "example": found.example,
                    "members": [f"{path}[{dim}]" for path, dim in found.members],
                }
                for found in wrapped.classes
            ],
            "params": _arrays(wrapped, "params"),
            "activations": _arrays(wrapped, "boundaries"),
            "unknown": [f"{path}[{dim}]" for path, dim in wrapped.unknown],
            "withheld": [_withheld(held, self.layout) for held in wrapped.withheld],
            "opaque": [
                {"primitive": found.primitive, "count": found.count, "source": found.source}
                for found in wrapped.inference.opaque
            ],
            "own_constraints": [str(line) for line in wrapped.own_constraints],
            "findings": [to_json(found) for found in self.findings],
        }

    def __str__(self) -> str:
        return plain_text(self)


def _arrays(wrapped: Wrapped, kind: str) -> dict[str, Any]:
    return {
        path: {
            "shape": [int(size) for size in array.shape],
            "names": list(array.names),
            "from": [dim.source for dim in array.dims],
        }
        for path, array in wrapped.inference.of_kind(kind).items()
    }


def _withheld(held: Withheld, layout: Layout | None) -> dict[str, Any]:
    facts = {
        "dim": f"{held.path}[{held.dim}]",
        "name": held.name,
        "from": held.source,
        "bytes": held.bytes,
    }
    if layout is None:
        return facts
    return facts | {
        "bytes_per_device": held.held(*layout),
        "bytes_per_device_confirmed": held.held(*layout, confirmed=True),
    }


def _table(wrapped: Wrapped) -> Table:
    shown = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for place, heading in enumerate(HEADINGS):
        shown.add_column(heading, justify="right" if place in (2, 3, 4) else "left", no_wrap=place < 5)
    for found in wrapped.classes:
        numbers = (found.size, len(found.members), len({path for path, _ in found.members}))
        shown.add_row(
            Text(found.name or UNKNOWN, "bold"),
            Text(found.source, STYLES[found.source]),
            *(f"{number:,}" for number in numbers),
            Text(printable(found.example)),
        )
    return shown


def _summary(wrapped: Wrapped, layout: Layout | None) -> Iterator[str]:
    params = wrapped.inference.of_kind("params")
    dims = sum(len(array.dims) for array in params.values())
    named = dims - len(wrapped.unknown)
    yield f"{counted(len(params), 'parameter')}: {named:,} of {counted(dims, 'dim')} named"
    if wrapped.unknown:
        places = [f"{path}[{dim}]" for path, dim in wrapped.unknown]
        more = f" and {len(places) - MAX_LISTED} more" if len(places) > MAX_LISTED else ""
        yield f"unknown: {printable(', '.join(places[:MAX_LISTED]))}{more}"
    if wrapped.withheld:
        held = {dim.path: dim.bytes for dim in wrapped.withheld}
        costs = ""
        if layout:
            table, mesh = layout
            cost = sum(dim.cost(table, mesh) for dim in wrapped.withheld)
            costs = f"; costs {readable_bytes(cost)} per device under {table.name} on mesh ({mesh})"
        yield (
            f"withheld: {counted(len(wrapped.withheld), 'dim')} of parameters of "
            f"{readable_bytes(sum(held.values()))}, not sharded by a weak name or a guess{costs}"
        )
    activations = [dim for array in wrapped.inference.of_kind("boundaries").values() for dim in array.dims]
    if activations:
        share = sum(dim.name is not None for dim in activations)
        yield f"{counted(len(activations), 'activation dim')}: {share:,} named"
    for found in wrapped.inference.opaque:
        yield f"opaque: {found.primitive}, {found.count}x, first at {found.source or 'an unknown line'}"
    for line in wrapped.own_constraints:
        yield f"the model's own constraint, {wrapped.seeds.constraints}: {line}"
