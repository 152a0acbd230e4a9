"""A plan joined with the program that XLA compiled from it: what each rule really costs."""

from axisrules.evidence.expect import assert_traffic
from axisrules.evidence.gather import Compiling, GatherProgress, gather
from axisrules.evidence.layouts import LayoutCheck
from axisrules.evidence.result import Comparison, LayoutEvidence

__all__ = [
    "Comparison",
    "Compiling",
    "GatherProgress",
    "LayoutCheck",
    "LayoutEvidence",
    "assert_traffic",
    "gather",
]
