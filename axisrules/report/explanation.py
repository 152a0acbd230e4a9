"""A plan explained: a value that shows itself in a terminal, in a notebook and as JSON."""

from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from axisrules.diagnostics import AxisRulesError, catalog, did_you_mean
from axisrules.report.card_text import card_text
from axisrules.report.diff import DiffExplanation
from axisrules.report.explanation_html import explanation_html
from axisrules.report.explanation_json import explanation_json
from axisrules.report.findings import styled_findings
from axisrules.report.overview_text import overview_text
from axisrules.report.page import render_page
from axisrules.report.plain import plain_text
from axisrules.report.plan_page import plan_page
from axisrules.report.rows import alike
from axisrules.report.styled_words import plan_title
from axisrules.report.training_words import training_words
from axisrules.resolve import LeafPlan, Plan, PlanDiff


@dataclass(frozen=True)
class Explanation:
    """What a plan does with every leaf, and why; with `selected`, with those leaves dim by dim."""

    plan: Plan
    selected: tuple[LeafPlan, ...] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield plan_title(self.plan)
        words = training_words(self.plan)
        yield from [Text(words, "dim")] if words else []
        yield ""
        if self.selected:
            for place, plans in enumerate(alike(self.selected)):
                yield from [""] if place else []
                yield from card_text(plans, self.plan.mesh, options.max_width)
        else:
            yield from overview_text(self.plan, options.max_width)
        if self.plan.diagnostics:
            yield ""
            yield styled_findings(self.plan.diagnostics)

    def _repr_html_(self) -> str:
        return explanation_html(self.plan, self.selected)

    def to_html(self) -> str:
        """A whole HTML document, for a file."""
        return render_page(plan_page(self.plan, self.selected))

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`: every leaf (or the selected ones) whole, totals and diagnostics."""
        return explanation_json(self.plan, self.selected)

    def __str__(self) -> str:
        return plain_text(self)


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
        fix = _meant(subject, leaf)
        raise AxisRulesError([catalog.PATTERN_MATCHES_NOTHING.under("error").at(why=why, fix=fix)])
    return Explanation(subject, selected)


def _meant(plan: Plan, leaf: str) -> str:
    """A pattern that finds `leaf` at any depth, where one does; else the path that comes closest."""
    deeper = next((glob for glob in (f"**/{leaf}", f"**/{leaf}/**") if plan.select(glob)), None)
    if deeper:
        return f"at any depth: '{deeper}'"
    return did_you_mean(leaf, (found.path for found in plan.leaves))
