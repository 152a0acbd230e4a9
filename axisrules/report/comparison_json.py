"""A comparison as plain values, for programs that read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axisrules.diagnostics import to_json
from axisrules.report.layout_words import mesh_axes_of, wire_bytes, wire_bytes_by_network
from axisrules.report.pipeline_words import pipeline_json
from axisrules.report.step_time import time_basis, time_parts

if TYPE_CHECKING:
    from axisrules.evidence import Comparison, LayoutEvidence


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Every row in the order asked for, and the ranking as places of rows."""
    rows = comparison.rows
    return {
        "model": comparison.model,
        "machine": comparison.machine,
        "versions": dict(comparison.versions),
        "rows": [_row(comparison, row) for row in rows],
        "ranking": [next(n for n, row in enumerate(rows) if row is best) for best in comparison.ranking],
        "is_complete": comparison.is_complete,
    }


def _row(comparison: Comparison, row: LayoutEvidence) -> dict[str, Any]:
    return {
        "rules": row.rules,
        "target": str(row.target),
        "mesh": dict(row.mesh.sizes),
        "mode": row.mode,
        "rank": comparison.rank(row),
        "fits": row.fits,
        "needed_bytes": row.needed_bytes,
        "hbm_bytes": row.hbm_bytes,
        "param_bytes": row.param_bytes,
        "optimizer_bytes": row.optimizer_bytes,
        "gradient_bytes": row.gradient_bytes,
        "temporary_bytes": row.temporary_bytes,
        "host_bytes": row.host_bytes,
        "flops": row.flops,
        "wire_bytes": {axis: wire_bytes(row, axis) for axis in mesh_axes_of([row])},
        "wire_bytes_by_network": wire_bytes_by_network(row),
        "collective_count": None if row.ledger is None else row.ledger.count,
        "pipeline": pipeline_json(row),
        "step_seconds": row.step_seconds,
        "step_basis": time_basis(row) or None,
        "step_parts": {part.resource: part.seconds for part in time_parts(row)},
        "estimate": None if row.estimate is None else row.estimate.to_json(),
        "mfu": row.mfu,
        "communication_share": row.communication_share,
        "compile_seconds": row.compile_seconds,
        "is_cached": row.is_cached,
        "error": row.error,
        "diagnostics": [to_json(finding) for finding in row.findings],
    }
