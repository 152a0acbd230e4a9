"""One word for all that can be explained."""

from typing import overload

from axisrules.diagnostics import AxisRulesError, catalog, did_you_mean
from axisrules.report.diff import DiffExplanation
from axisrules.report.explanation import Explanation
from axisrules.resolve import Plan, PlanDiff


@overload
def explain(subject: Plan, leaf: str | None = None) -> Explanation: ...


@overload
def explain(subject: PlanDiff) -> DiffExplanation: ...


def explain(subject: Plan | PlanDiff, leaf: str | None = None) -> Explanation | DiffExplanation:
    """The explanation of a plan, or of what changes between two: to print, to show in a notebook, as JSON.

    With the path pattern `leaf`, a plan's matching leaves are explained dim by dim. Raises
    AxisRulesError (AXR310) when `leaf` matches nothing.
    """
    if isinstance(subject, PlanDiff):
        return DiffExplanation(subject)
    if leaf is None:
        return Explanation(subject)
    selected = subject.select(leaf)
    if not selected:
        why = f"no leaf has a path that `{leaf}` matches; `*` is one part of a path, `**` any number of them"
        fix = did_you_mean(leaf, (found.path for found in subject.leaves))
        raise AxisRulesError([catalog.PATTERN_MATCHES_NOTHING.under("error").at(why=why, fix=fix)])
    return Explanation(subject, selected)
