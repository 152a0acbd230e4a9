"""Models in: linen and nnx, read as shapes with logical axes, never allocating a parameter."""

from axisrules.adapters.activations import InForce, constrain, in_force
from axisrules.adapters.factory import load_factory
from axisrules.adapters.optimizer import name_optimizer_state
from axisrules.adapters.program import Loss, Model, Program, path_of
from axisrules.adapters.read import read_program
from axisrules.adapters.record import reading

__all__ = [
    "InForce",
    "Loss",
    "Model",
    "Program",
    "constrain",
    "in_force",
    "load_factory",
    "name_optimizer_state",
    "path_of",
    "read_program",
    "reading",
]
