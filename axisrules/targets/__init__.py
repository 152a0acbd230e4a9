"""Where code compiles: topologies that are only described, each in a process of its own."""

from axisrules.targets.compile import compile_many, compile_step
from axisrules.targets.examine import Examination, examine
from axisrules.targets.installed import compiler_problem, installed_versions
from axisrules.targets.job import (
    CompiledStep,
    CompileFailure,
    CompileJob,
    DevicePlace,
    MemoryStats,
    Mode,
    Outcome,
    Shortfall,
)
from axisrules.targets.local import compile_here
from axisrules.targets.quiet import has_accelerator, quiet_start
from axisrules.targets.step_cache import default_cache

__all__ = [
    "CompileFailure",
    "CompileJob",
    "CompiledStep",
    "DevicePlace",
    "Examination",
    "MemoryStats",
    "Mode",
    "Outcome",
    "Shortfall",
    "compile_here",
    "compile_many",
    "compile_step",
    "compiler_problem",
    "default_cache",
    "examine",
    "has_accelerator",
    "installed_versions",
    "quiet_start",
]
