"""What can be wrong: codes, a page for each, and findings as text and JSON."""

from axisrules.diagnostics import catalog
from axisrules.diagnostics.catalog import CATALOG, page
from axisrules.diagnostics.diagnostic import Code, Diagnostic, Origin, Policy, Severity
from axisrules.diagnostics.error import AxisRulesError, raise_errors
from axisrules.diagnostics.escape import printable, shown_value
from axisrules.diagnostics.render import render_text, to_json
from axisrules.diagnostics.suggest import did_you_mean

__all__ = [
    "CATALOG",
    "AxisRulesError",
    "Code",
    "Diagnostic",
    "Origin",
    "Policy",
    "Severity",
    "catalog",
    "did_you_mean",
    "page",
    "printable",
    "raise_errors",
    "render_text",
    "shown_value",
    "to_json",
]
