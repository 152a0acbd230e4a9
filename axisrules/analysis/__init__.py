"""The text of a compiled program in, facts out: collectives, memory, FLOPs, time. Knows no JAX."""

from axisrules.analysis.collective_time import CollectiveTime, collective_time
from axisrules.analysis.collectives import read_ledger, wire_bytes
from axisrules.analysis.cost import CostTerm, StepEstimate, estimate_step
from axisrules.analysis.flops import count_flops, instruction_flops
from axisrules.analysis.flow import Flow
from axisrules.analysis.frames import user_line
from axisrules.analysis.hlo import CalledComputation, Computation, Instruction, Module, SourceLine
from axisrules.analysis.hlo_text import read_module
from axisrules.analysis.interconnect import Between, Interconnect, Place, Switch, Torus
from axisrules.analysis.ledger import SLOW_NETWORKS, Collective, Direction, GroupKey, Kind, Ledger, Network
from axisrules.analysis.loops import LoopStep, Visit, trip_count, visits
from axisrules.analysis.machine import Machine, describe_machine
from axisrules.analysis.memory import Memory, read_memory
from axisrules.analysis.mesh_axes import AxisPart
from axisrules.analysis.origins import Origins, trace_origins
from axisrules.analysis.roofline import DeviceRates
from axisrules.analysis.shape import Shape, read_shape
from axisrules.analysis.sharding_text import Tiling, read_sharding, split_shardings, tiling_of_spec

__all__ = [
    "SLOW_NETWORKS",
    "AxisPart",
    "Between",
    "CalledComputation",
    "Collective",
    "CollectiveTime",
    "Computation",
    "CostTerm",
    "DeviceRates",
    "Direction",
    "Flow",
    "GroupKey",
    "Instruction",
    "Interconnect",
    "Kind",
    "Ledger",
    "LoopStep",
    "Machine",
    "Memory",
    "Module",
    "Network",
    "Origins",
    "Place",
    "Shape",
    "SourceLine",
    "StepEstimate",
    "Switch",
    "Tiling",
    "Torus",
    "Visit",
    "collective_time",
    "count_flops",
    "describe_machine",
    "estimate_step",
    "instruction_flops",
    "read_ledger",
    "read_memory",
    "read_module",
    "read_shape",
    "read_sharding",
    "split_shardings",
    "tiling_of_spec",
    "trace_origins",
    "trip_count",
    "user_line",
    "visits",
    "wire_bytes",
]
