"""One layout on one target in words and numbers, as every report says them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from axisrules.diagnostics import printable
from axisrules.report.quantities import percent, readable_bytes
from axisrules.report.step_time import is_high

if TYPE_CHECKING:
    from axisrules.evidence import LayoutEvidence

NOTHING = "-"
MAX_ERROR = 4000


def layout_title(row: LayoutEvidence) -> str:
    """`fsdp_tp on tpu:v5p:4x4x4`."""
    return f"{printable(row.rules)} on {row.target}"


def fits_words(row: LayoutEvidence) -> str:
    """`yes`, `no`, or `-` where it is not known."""
    return NOTHING if row.fits is None else "yes" if row.fits else "no"


def over_words(row: LayoutEvidence) -> str:
    """By how much a layout that does not fit is too large; empty where it fits or nobody knows."""
    if row.fits is not False or row.needed_bytes is None or row.hbm_bytes is None:
        return ""
    return f"too large by {readable_bytes(row.needed_bytes - row.hbm_bytes)}"


def share_words(row: LayoutEvidence) -> str:
    """The share of communication, with a mark where it is high."""
    if row.communication_share is None:
        return NOTHING
    return percent(row.communication_share) + (" !" if is_high(row.communication_share) else "")


def error_words(error: str) -> str:
    """What went wrong, its lines kept and all else of it harmless."""
    return "\n".join(printable(line, MAX_ERROR) for line in error.splitlines())


def mesh_axes_of(rows: Iterable[LayoutEvidence]) -> list[str]:
    """The mesh axes, and combinations of them, that any of the ledgers communicates over."""
    ledgers = [row.ledger for row in rows if row.ledger is not None]
    return list(dict.fromkeys(_axes(one.mesh_axes) for ledger in ledgers for one in ledger))


def wire_bytes(row: LayoutEvidence, mesh_axes: str) -> int | None:
    """Bytes that one device sends over exactly these mesh axes in a step."""
    if row.ledger is None:
        return None
    return sum(one.total_wire_bytes for one in row.ledger if _axes(one.mesh_axes) == mesh_axes)


def _axes(mesh_axes: Iterable[str]) -> str:
    return "+".join(mesh_axes) or "no axis"


def wire_bytes_by_network(row: LayoutEvidence) -> dict[str, int]:
    """Bytes that one device sends over each network in a step: ICI, DCN, NVLink, InfiniBand."""
    sent: dict[str, int] = {}
    for one in row.ledger or ():
        sent[one.network] = sent.get(one.network, 0) + one.total_wire_bytes
    return sent
