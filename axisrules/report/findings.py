"""Findings in a terminal: the same text as everywhere, its labels coloured."""

from collections.abc import Iterable, Sequence

from rich.text import Text

from axisrules.diagnostics import Diagnostic, render_text
from axisrules.report.palette import SEVERITY_STYLES
from axisrules.report.quantities import counted
from axisrules.report.rows import grouped


def styled_findings(findings: Iterable[Diagnostic]) -> Text:
    """Every finding as a block of text. Nothing in it is read as markup."""
    text = Text(render_text(findings))
    for severity, style in SEVERITY_STYLES.items():
        text.highlight_regex(rf"(?m)^{severity}\[\w+\]", style)
    text.highlight_regex(r"(?m)^  (-->|for:|why:|fix:|more:)", "dim")
    return text


def findings_summary(findings: Sequence[Diagnostic]) -> str:
    """How many findings there are of each code: `3 findings: AXR712 (2), AXR718`."""
    by_code = grouped(findings, lambda one: one.code)
    parts = [same[0].code + (f" ({len(same)})" if len(same) > 1 else "") for same in by_code]
    return f"{counted(len(findings), 'finding')}: {', '.join(parts)}"
