"""A plan explained as plain values, for programs that read it."""

from typing import Any

from axisrules.diagnostics import to_json
from axisrules.report.rows import totals
from axisrules.report.training_words import training_values
from axisrules.resolve import DimReason, LeafPlan, Plan
from axisrules.rules import Rule


def explanation_json(plan: Plan, selected: tuple[LeafPlan, ...]) -> dict[str, Any]:
    """Every leaf (or the selected ones) with every dim's reason; totals are of the whole plan."""
    return {
        "table": plan.rules.name,
        "mesh": dict(plan.mesh.sizes),
        "training": training_values(plan),
        "leaves": [leaf_json(leaf_plan) for leaf_plan in selected or plan.leaves],
        "totals": {
            total.kind: {
                "leaves": total.leaf_count,
                "bytes": total.bytes,
                "bytes_per_device": total.bytes_per_device,
            }
            for total in totals(plan)
        },
        "diagnostics": [to_json(diagnostic) for diagnostic in plan.diagnostics],
    }


def leaf_json(leaf_plan: LeafPlan) -> dict[str, Any]:
    """One leaf: what it is, how it lies, and the reason for every dim."""
    leaf = leaf_plan.leaf
    return {
        "kind": leaf.kind,
        "path": leaf.path,
        "shape": list(leaf.shape),
        "dtype": leaf.dtype,
        "logical_axes": None if leaf.logical_axes is None else list(leaf.logical_axes),
        "spec": [list(mesh_axes) for mesh_axes in leaf_plan.spec],
        "local_shape": list(leaf_plan.local_shape),
        "bytes": leaf.bytes,
        "bytes_per_device": leaf_plan.bytes_per_device,
        "dims": [_dim(reason) for reason in leaf_plan.resolution.dims],
    }


def _dim(reason: DimReason) -> dict[str, Any]:
    return {
        "dim": reason.dim,
        "logical_axis": reason.logical_axis,
        "size": reason.size,
        "mesh_axes": list(reason.mesh_axes),
        "ways": reason.ways,
        "because": reason.because.name.lower(),
        "why": reason.because.value,
        "rule": _rule(reason.rule) if reason.rule else None,
        "rejected": [
            {
                "rule": _rule(lost.rule),
                "because": lost.because.name.lower(),
                "why": lost.detail or lost.because.value,
            }
            for lost in reason.rejected
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "logical_axis": rule.logical_axis,
        "mesh_axes": list(rule.mesh_axes),
        "scope": str(rule.scope),
        "file": rule.origin.file,
        "line": rule.origin.line or None,
    }
