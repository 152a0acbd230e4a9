"""Findings in a terminal: the same text as everywhere, its labels coloured."""

from collections.abc import Iterable

from rich.text import Text

from axisrules.diagnostics import Diagnostic, render_text
from axisrules.report.palette import SEVERITY_STYLES


def styled_findings(findings: Iterable[Diagnostic]) -> Text:
    """Every finding as a block of text. Nothing in it is read as markup."""
    text = Text(render_text(findings))
    for severity, style in SEVERITY_STYLES.items():
        text.highlight_regex(rf"(?m)^{severity}\[\w+\]", style)
    text.highlight_regex(r"(?m)^  (-->|for:|why:|fix:|more:)", "dim")
    return text
