"""What a step keeps in memory: rematerialization and accumulation, as functions around a gradient."""

from axisrules.memory.accumulate import BatchCut, Gradient, Objective, accumulated
from axisrules.memory.advice import PolicyCost, advise
from axisrules.memory.offload import check_offload
from axisrules.memory.remat import rematerialized, rematerialized_layer
from axisrules.memory.row_mixing import mixing
from axisrules.memory.saved import OFFLOADED
from axisrules.memory.units import module_path, numbered_layers

__all__ = [
    "OFFLOADED",
    "BatchCut",
    "Gradient",
    "Objective",
    "PolicyCost",
    "accumulated",
    "advise",
    "check_offload",
    "mixing",
    "module_path",
    "numbered_layers",
    "rematerialized",
    "rematerialized_layer",
]
