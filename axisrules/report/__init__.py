"""Results in, text, JSON and HTML out; decides nothing."""

from axisrules.report.advice import AdviceTable
from axisrules.report.audit import AuditTable
from axisrules.report.axis_classes import AxisClassTable
from axisrules.report.balance import BalanceTable
from axisrules.report.bench import BenchTable
from axisrules.report.comparison import ComparisonTable
from axisrules.report.diff import DiffExplanation
from axisrules.report.doctor import DoctorTable
from axisrules.report.explanation import Explanation, explain
from axisrules.report.findings import styled_findings
from axisrules.report.fit import FitTable
from axisrules.report.ledger import LedgerTable
from axisrules.report.ledger_rows import SORT_KEYS, SortKey
from axisrules.report.policies import PolicyTable
from axisrules.report.presets import preset_list
from axisrules.report.schedule import SchedulePicture, ScheduleTable
from axisrules.report.search import SearchTable
from axisrules.report.search_words import bounds_words
from axisrules.report.targets import TargetsTable

__all__ = [
    "SORT_KEYS",
    "AdviceTable",
    "AuditTable",
    "AxisClassTable",
    "BalanceTable",
    "BenchTable",
    "ComparisonTable",
    "DiffExplanation",
    "DoctorTable",
    "Explanation",
    "FitTable",
    "LedgerTable",
    "PolicyTable",
    "SchedulePicture",
    "ScheduleTable",
    "SearchTable",
    "SortKey",
    "TargetsTable",
    "bounds_words",
    "explain",
    "preset_list",
    "styled_findings",
]
