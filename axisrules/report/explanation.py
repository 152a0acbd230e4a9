"""A plan explained: a value that knows how to show itself in a terminal, in a notebook and as JSON."""

from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult

from axisrules.report.card_text import card_text
from axisrules.report.explanation_html import explanation_html
from axisrules.report.explanation_json import explanation_json
from axisrules.report.findings import styled_findings
from axisrules.report.html import whole_page
from axisrules.report.overview_text import overview_text
from axisrules.report.plain import plain_text
from axisrules.report.rows import alike
from axisrules.report.styled_words import plan_title
from axisrules.resolve import LeafPlan, Plan


@dataclass(frozen=True)
class Explanation:
    """What a plan does with every leaf, and why; with `selected`, with those leaves dim by dim."""

    plan: Plan
    selected: tuple[LeafPlan, ...] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield plan_title(self.plan)
        yield ""
        if self.selected:
            for plans in alike(self.selected):
                yield from card_text(plans, self.plan.mesh, options.max_width)
        else:
            yield from overview_text(self.plan, options.max_width)
        if self.plan.diagnostics:
            yield styled_findings(self.plan.diagnostics)

    def _repr_html_(self) -> str:
        return explanation_html(self.plan, self.selected)

    def to_html(self) -> str:
        """A whole HTML document, for a file."""
        return whole_page(f"axisrules: {self.plan.rules.name}", self._repr_html_())

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`: every leaf (or the selected ones) whole, totals and diagnostics."""
        return explanation_json(self.plan, self.selected)

    def __str__(self) -> str:
        return plain_text(self)
