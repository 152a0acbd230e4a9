"""Results in, text, JSON and HTML out; decides nothing."""

from axisrules.report.balance import BalanceTable
from axisrules.report.bench import BenchTable
from axisrules.report.diff import DiffExplanation
from axisrules.report.explanation import Explanation, explain
from axisrules.report.findings import styled_findings
from axisrules.report.presets import preset_list
from axisrules.report.schedule import SchedulePicture, ScheduleTable

__all__ = [
    "BalanceTable",
    "BenchTable",
    "DiffExplanation",
    "Explanation",
    "SchedulePicture",
    "ScheduleTable",
    "explain",
    "preset_list",
    "styled_findings",
]
