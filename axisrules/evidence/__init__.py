"""A plan joined with the program that XLA compiled from it: what each rule really costs."""

from axisrules.evidence.comparison import CompareProgress, Compiling, compare
from axisrules.evidence.error_bar import ERROR_BAR
from axisrules.evidence.expect import assert_traffic
from axisrules.evidence.layouts import LayoutCheck
from axisrules.evidence.lints import LARGE_SHARE, SMALL_BYTES
from axisrules.evidence.pipeline import PipelineFacts, check_pipeline, find_pipeline
from axisrules.evidence.result import Comparison, LayoutEvidence

__all__ = [
    "ERROR_BAR",
    "LARGE_SHARE",
    "SMALL_BYTES",
    "CompareProgress",
    "Comparison",
    "Compiling",
    "LayoutCheck",
    "LayoutEvidence",
    "PipelineFacts",
    "assert_traffic",
    "check_pipeline",
    "compare",
    "find_pipeline",
]
