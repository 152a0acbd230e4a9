"""A plan joined with the program that XLA compiled from it: what each rule really costs."""

from axisrules.evidence.comparison import CompareProgress, Compiling, compare
from axisrules.evidence.expect import assert_traffic
from axisrules.evidence.layouts import LayoutCheck
from axisrules.evidence.result import Comparison, LayoutEvidence

__all__ = [
    "CompareProgress",
    "Comparison",
    "Compiling",
    "LayoutCheck",
    "LayoutEvidence",
    "assert_traffic",
    "compare",
]
