"""One layout as a part of a page: its facts, its mesh over the chips, its collectives and its leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axisrules.diagnostics import printable, render_text
from axisrules.mesh import MeshSpec, Target
from axisrules.report.findings import findings_summary
from axisrules.report.layout_words import (
    error_words,
    layout_title,
    over_words,
    share_words,
)
from axisrules.report.ledger_rows import LedgerRow, ledger_rows
from axisrules.report.page import (
    Cell,
    DataTable,
    Findings,
    Heading,
    LayoutPart,
    LeafFacts,
    MeshDrawing,
    chip_grid,
    draw_mesh,
    leaf_facts,
    mesh_grid,
)
from axisrules.report.quantities import (
    counted,
    percent,
    readable_bytes,
    readable_flops,
    readable_seconds,
    three_digits,
)
from axisrules.report.step_time import time_basis

if TYPE_CHECKING:
    from axisrules.analysis import CostTerm, Ledger
    from axisrules.evidence import LayoutEvidence

# Rows beyond these are summed up in a note: they move the least bytes.
MAX_ROWS = 1000
HEADINGS = (
    Heading("kind", is_choice=True),
    Heading("count", is_number=True, hint="launches in a step, loops multiplied out"),
    Heading("payload", is_number=True, hint="bytes of the array that is made, in a step"),
    Heading("wire", is_number=True, hint="bytes that one device sends in a step"),
    Heading("mesh axes", is_choice=True),
    Heading("network", is_choice=True),
    Heading("pass", is_choice=True),
    Heading("where", is_code=True, hint="module path, and the line of the model"),
    Heading("why", is_code=True, hint="logical axes, and the rule that put them on the mesh axes"),
)


def layout_part(row: LayoutEvidence, ident: str, *, title: str | None = None) -> LayoutPart:
    """The part of a page for one layout; `title` where it is not to be the layout's own."""
    leaves = leaf_facts(row.plan) if row.plan else ()
    drawing = mesh_drawing(row.mesh, leaves, row.target, row.device_coords) if leaves else None
    return LayoutPart(
        ident=ident,
        title=layout_title(row) if title is None else title,
        facts=_facts(row),
        findings=Findings(findings_summary(row.findings), render_text(row.findings))
        if row.findings
        else None,
        error=error_words(row.error or ""),
        mesh=drawing,
        collectives=None if row.ledger is None else ledger_table(row.ledger, ident),
        leaves=leaves,
    )


def mesh_drawing(
    mesh: MeshSpec,
    leaves: tuple[LeafFacts, ...],
    target: Target | None = None,
    coords: tuple[tuple[int, ...], ...] = (),
) -> MeshDrawing:
    """The mesh over the chips of `target` where their places are known, else as it is."""
    names = coordinate_names(target, coords)
    if not names or target is None:
        return draw_mesh(mesh_grid(mesh), mesh, leaves, None)
    return draw_mesh(chip_grid(coords, names), mesh, leaves, _wraps(target))


def ledger_table(ledger: Ledger, ident: str) -> DataTable:
    """The collectives as rows to sort and to filter; of very many, those that move most."""
    rows = ledger_rows(ledger)
    left_out = rows[MAX_ROWS:]
    note = (
        "Bytes are those of one device and step:"
        " payload is what a collective makes, wire what a device sends."
    )
    if left_out:
        size = readable_bytes(sum(row.wire_bytes for row in left_out))
        note += f" {counted(len(left_out), 'further row')} of together {size} on the wire are left out."
    if not all(row.is_certain for row in rows):
        note += " A count with ? is a guess: a conditional, or a loop whose trips the program does not say."
    cells = tuple(_cells(row) for row in rows[:MAX_ROWS])
    caption = "Collectives of a step, most bytes on the wire first"
    return DataTable(f"{ident}-ledger", caption, HEADINGS, cells, "row", note)


def coordinate_names(target: Target | None, coords: tuple[tuple[int, ...], ...]) -> tuple[str, ...]:
    """What the coordinates of a device are called; nothing where they are not known or tell none apart.

    Of a GPU they are (node, GPU); of a TPU one for each dim of its torus, with the slice before and the
    core behind where there are several.
    """
    if target is None or not coords or len(set(coords)) < len(coords):
        return ()
    if target.platform == "gpu":
        return ("node", "gpu")
    slices = ("slice",) if target.slices > 1 else ()
    cores = ("core",) if target.chip.devices > 1 else ()
    names = (*slices, *"xyz"[: len(target.topology)], *cores)
    return names if len(names) == len(coords[0]) else ()


def _wraps(target: Target) -> tuple[bool, bool] | None:
    wraps = target.wraps
    return (wraps[0], wraps[1]) if len(wraps) > 1 else None


def _cells(row: LedgerRow) -> tuple[Cell, ...]:
    return (
        Cell(row.first.kind, below=f"for {row.first.replaces}" if row.first.replaces else ""),
        Cell(row.count_words, row.count),
        Cell(readable_bytes(row.payload_bytes), row.payload_bytes),
        Cell(readable_bytes(row.wire_bytes), row.wire_bytes),
        Cell(row.mesh_axes),
        Cell(row.first.network),
        Cell(row.first.direction),
        Cell(row.module_path, below=row.source if row.first.source else ""),
        Cell(row.logical_axes, below=row.rules if row.first.rules else ""),
    )


def _facts(row: LayoutEvidence) -> tuple[tuple[str, str], ...]:
    facts = [("mesh", str(row.mesh)), *_memory(row), *_work(row), *_run(row)]
    return tuple((name, value) for name, value in facts if value)


def _memory(row: LayoutEvidence) -> list[tuple[str, str]]:
    if row.needed_bytes is None:
        return []
    needed = readable_bytes(row.needed_bytes)
    of_hbm = f" of {readable_bytes(row.hbm_bytes)}" if row.hbm_bytes else ""
    over = over_words(row)
    return [("needed of HBM", f"{needed}{of_hbm}" + (f", {over}" if over else ""))]


def _work(row: LayoutEvidence) -> list[tuple[str, str]]:
    if row.ledger is None:
        return []
    flops = "" if row.flops is None else readable_flops(row.flops)
    moved = f"{counted(row.ledger.count, 'launch', 'launches')}, {readable_bytes(row.ledger.wire_bytes)} sent"
    return [("FLOPs of a device", flops), ("collectives", moved)]


def _run(row: LayoutEvidence) -> list[tuple[str, str]]:
    facts = []
    if row.step_seconds is not None:
        facts.append((f"step, {time_basis(row)}", readable_seconds(row.step_seconds)))
    if row.estimate is not None and not row.step_is_measured:
        facts += [(str(term), _term_words(term)) for term in row.estimate.terms if term.seconds]
    if row.mfu is not None:
        facts.append(("MFU", percent(row.mfu)))
    if row.communication_share is not None:
        facts.append(("communication", share_words(row)))
    if row.compile_seconds is not None:
        cached = ", from the cache" if row.is_cached else ""
        facts.append((f"compiled ({row.mode})", f"{three_digits(row.compile_seconds)} s{cached}"))
    return [(printable(name), value) for name, value in facts]


def _term_words(term: CostTerm) -> str:
    """What the step takes longer for it, and what of it runs beside other work."""
    hidden = f" ({readable_seconds(term.overlapped_seconds)} hidden)" if term.overlapped_seconds else ""
    return readable_seconds(term.seconds) + hidden
