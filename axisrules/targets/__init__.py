"""Where code compiles: topologies that are only described, each in a process of its own."""

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

__all__ = [
    "CompileFailure",
    "CompileJob",
    "CompiledStep",
    "DevicePlace",
    "MemoryStats",
    "Mode",
    "Outcome",
    "Shortfall",
]
