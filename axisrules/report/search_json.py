"""A search as plain values, for programs that read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axisrules.diagnostics import to_json
from axisrules.report.search_words import basis_words, candidate_words
from axisrules.rules import dump_rules

if TYPE_CHECKING:
    from axisrules.search import Conclusion, Reason, Scored, SearchResult


def search_json(conclusion: Conclusion) -> dict[str, Any]:
    """The space with what was left out, the ranking, the reasons, and all that failed or did not fit."""
    result = conclusion.result
    best = result.best
    ranked = {one.candidate for one in result.ranking}
    others = [one for one in result.scored if one.candidate not in ranked and not one.error]
    return {
        "target": str(result.space.target),
        "space": {
            "layouts": len(result.space),
            "left_out": result.space.removed,
            "ruled_out": result.pruned,
            "compiled": result.compiled,
            "compiled_in_full": len(result.finalists),
        },
        "error": result.error,
        "seconds": result.seconds,
        "is_interrupted": result.is_interrupted,
        "best": None if best is None else _scored(best, result),
        "table": None if best is None else dump_rules(result.table(best)),
        "ranking": [_scored(one, result) for one in result.ranking],
        "nearly_won": [str(one.candidate) for one in conclusion.nearly_won],
        "reasons": [_reason(reason) for reason in conclusion.reasons],
        "what_ifs": [
            {"change": one.change, "answer": one.answer, "is_same": one.is_same}
            for one in conclusion.what_ifs
        ],
        "too_large": [_scored(one, result) for one in others],
        "failed": [{"layout": str(one.candidate), "error": one.error} for one in result.failed],
        "start": _start(conclusion),
        "diagnostics": [to_json(finding) for finding in conclusion.findings],
    }


def _scored(one: Scored, result: SearchResult) -> dict[str, Any]:
    candidate = one.candidate
    return {
        "layout": str(candidate),
        "words": candidate_words(candidate),
        "mesh": dict(candidate.sizes),
        "remat": candidate.remat,
        "accumulate": candidate.accumulate,
        "schedule": candidate.schedule or None,
        "microbatches": candidate.microbatches,
        "step_seconds": one.seconds,
        "step_basis": basis_words(one),
        "is_tie": one in result.ties,
        "mfu": one.mfu,
        "flops": one.flops,
        "bubble": one.bubble,
        "exposed_seconds": one.exposed_seconds if one.terms else None,
        "wire_bytes": one.wire_bytes,
        "param_bytes": one.param_bytes,
        "optimizer_bytes": one.optimizer_bytes,
        "needed_bytes": one.needed_bytes,
        "hbm_bytes": one.hbm_bytes,
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "choice": reason.choice,
        "instead": reason.instead,
        "slower": reason.slower,
        "why": reason.why,
        "is_tie": reason.is_tie,
    }


def _start(conclusion: Conclusion) -> dict[str, Any] | None:
    start, before, change = conclusion.start, conclusion.before, conclusion.change
    if start is None:
        return None
    return {
        "table": start.table.name,
        "nearest": str(start.candidate),
        "is_equal": start.is_equal,
        "step_seconds": before.seconds if before else None,
        "needed_bytes": before.needed_bytes if before else None,
        "changed_arrays": len(change.changes) if change else None,
        "moved_bytes": change.moved_bytes if change else None,
    }
