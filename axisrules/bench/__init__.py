"""Layouts side by side: the same program trained under several tables, each measured."""

from axisrules.bench.result import LOSS_TOLERANCE, BenchReport, BenchRow
from axisrules.bench.run import PHASES, Progress, Workload, run_bench

__all__ = ["LOSS_TOLERANCE", "PHASES", "BenchReport", "BenchRow", "Progress", "Workload", "run_bench"]
