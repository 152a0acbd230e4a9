"""Where code compiles: topologies that are only described, each in a process of its own."""

from axisrules.targets.compile import compile_many, compile_step
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
from axisrules.targets.step_cache import default_cache

__all__ = [
    "CompileFailure",
    "CompileJob",
    "CompiledStep",
    "DevicePlace",
    "MemoryStats",
    "Mode",
    "Outcome",
    "Shortfall",
    "compile_many",
    "compile_step",
    "compiler_problem",
    "default_cache",
    "installed_versions",
]
