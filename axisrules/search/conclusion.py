"""All that a search has to say, ready for a report: the result, its reasons, and what became of the start."""

from dataclasses import dataclass

from axisrules.diagnostics import Diagnostic
from axisrules.mesh import parse_mesh
from axisrules.resolve import PlanDiff, diff_plans, survey
from axisrules.search.answer import Reason, nearly_won, reasons
from axisrules.search.no_fit import nothing_fits
from axisrules.search.result import SearchResult
from axisrules.search.score import Scored
from axisrules.search.start import Start
from axisrules.search.what_if import WhatIf, slower_network


@dataclass(frozen=True)
class Conclusion:
    """A result with what follows from it. `findings` has AXR905 where nothing fits.

    `what_ifs` are changes of the question, the first of them a slower network, which needs no compiler.
    `before` is what the table of `start` costs, and `change` what the best lays out differently from it.
    """

    result: SearchResult
    reasons: tuple[Reason, ...] = ()
    nearly_won: tuple[Scored, ...] = ()
    findings: tuple[Diagnostic, ...] = ()
    what_ifs: tuple[WhatIf, ...] = ()
    start: Start | None = None
    before: Scored | None = None
    change: PlanDiff | None = None


def conclude(result: SearchResult, start: Start | None = None, before: Scored | None = None) -> Conclusion:
    """What follows from a result; nothing is compiled for it."""
    is_over = not result.best and not result.is_interrupted
    return Conclusion(
        result=result,
        reasons=reasons(result),
        nearly_won=nearly_won(result),
        findings=(*result.notes, *([nothing_fits(result)] if is_over else [])),
        what_ifs=(slower_network(result),) if result.best and result.best.terms else (),
        start=start,
        before=before,
        change=_change(result, start) if start else None,
    )


def _change(result: SearchResult, start: Start) -> PlanDiff | None:
    if result.best is None:
        return None
    table = result.table(result.best)
    mesh = result.space.target.fit(parse_mesh(table.mesh))
    return diff_plans(start.plan, survey(result.space.program.leaves, table, mesh))
