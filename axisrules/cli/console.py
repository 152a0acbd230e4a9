"""Reports on standard output: coloured in a terminal, plain in a pipe, JSON for programs."""

import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterable
from typing import Any

from axisrules.cli.output import write_output
from axisrules.diagnostics import Diagnostic, render_text


def show(report: Any, args: Namespace, *, piped_width: int = 80) -> None:
    """A report as `--html FILE`, as `--json`, or as text where neither was asked for."""
    if args.html:
        write_output(args.html, report.to_html(), force=args.force)
    if args.json:
        print_json(report.to_json())
    elif not args.html:
        print_report(report, piped_width=piped_width)


def print_json(values: Any) -> None:
    """One JSON document, indented, its keys in the order given; names come out as ASCII."""
    print(json.dumps(values, indent=2, allow_nan=False))


def print_report(report: Any, *, soft_wrap: bool = False, piped_width: int = 80) -> None:
    """A report as rich lays it out for the width of the terminal, or `piped_width` columns in a pipe."""
    from rich.console import Console

    unsized = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    console = Console(highlight=False, markup=False, emoji=False, width=piped_width if unsized else None)
    console.print(report, soft_wrap=soft_wrap)


def print_findings(findings: Iterable[Diagnostic]) -> None:
    """Findings as blocks of text; in a terminal with colours, which is the only case that needs rich."""
    found = tuple(findings)
    if not found:
        return
    if sys.stdout.isatty():
        from axisrules.report import styled_findings

        # Long lines are left to the terminal to wrap, so that they can be copied whole.
        print_report(styled_findings(found), soft_wrap=True)
    else:
        print(render_text(found))
