"""Reports on standard output: coloured in a terminal, plain in a pipe, JSON for programs."""

import json
import sys
from collections.abc import Iterable
from typing import Any

from axisrules.diagnostics import Diagnostic, render_text


def print_json(values: Any) -> None:
    """One JSON document, indented, its keys in the order given; names come out as ASCII."""
    print(json.dumps(values, indent=2, allow_nan=False))


def print_report(report: Any) -> None:
    """A report as rich lays it out for the width of the terminal, or 80 columns in a pipe."""
    from rich.console import Console

    Console(highlight=False, markup=False, emoji=False).print(report)


def print_findings(findings: Iterable[Diagnostic]) -> None:
    """Findings as blocks of text; in a terminal with colours, which is the only case that needs rich."""
    found = tuple(findings)
    if not found:
        return
    if sys.stdout.isatty():
        from axisrules.report import styled_findings

        print_report(styled_findings(found))
    else:
        print(render_text(found))
