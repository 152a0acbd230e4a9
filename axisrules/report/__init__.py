"""Results in, text, JSON and HTML out; decides nothing."""

from axisrules.report.axis_classes import AxisClassTable
from axisrules.report.bench import BenchTable
from axisrules.report.diff import DiffExplanation
from axisrules.report.explanation import Explanation, explain
from axisrules.report.findings import styled_findings
from axisrules.report.presets import preset_list

__all__ = [
    "AxisClassTable",
    "BenchTable",
    "DiffExplanation",
    "Explanation",
    "explain",
    "preset_list",
    "styled_findings",
]
