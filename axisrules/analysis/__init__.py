"""The text of a compiled program in, facts out: collectives, memory, FLOPs, time. Knows no JAX."""

from axisrules.analysis.flops import count_flops, instruction_flops
from axisrules.analysis.hlo import CalledComputation, Computation, Instruction, Module, SourceLine
from axisrules.analysis.hlo_text import read_module
from axisrules.analysis.ledger import Collective, Direction, GroupKey, Kind, Ledger, Network
from axisrules.analysis.loops import LoopStep, Visit, trip_count, visits
from axisrules.analysis.mesh_axes import AxisPart
from axisrules.analysis.shape import Shape, read_shape

__all__ = [
    "AxisPart",
    "CalledComputation",
    "Collective",
    "Computation",
    "Direction",
    "GroupKey",
    "Instruction",
    "Kind",
    "Ledger",
    "LoopStep",
    "Module",
    "Network",
    "Shape",
    "SourceLine",
    "Visit",
    "count_flops",
    "instruction_flops",
    "read_module",
    "read_shape",
    "trip_count",
    "visits",
]
