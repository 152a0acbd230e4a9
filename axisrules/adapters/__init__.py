"""Models in: linen and nnx, read as shapes with logical axes, never allocating a parameter."""

from axisrules.adapters.activations import InForce, constrain, in_force
from axisrules.adapters.digest import loss_digest
from axisrules.adapters.factory import load_factory
from axisrules.adapters.optimizer import name_optimizer_state
from axisrules.adapters.own_constraints import jax_itself
from axisrules.adapters.program import Loss, Model, Program, path_of
from axisrules.adapters.read import read_program
from axisrules.adapters.record import reading
from axisrules.adapters.seeds import Seeds, dump_seeds, load_seeds
from axisrules.adapters.type_report import TypeReport, typecheck
from axisrules.adapters.withheld import Withheld
from axisrules.adapters.wrap_export import export_pytree, export_seeds, seed_for
from axisrules.adapters.wrap_patch import export_flax
from axisrules.adapters.wrapped import Wrapped, wrap

__all__ = [
    "InForce",
    "Loss",
    "Model",
    "Program",
    "Seeds",
    "TypeReport",
    "Withheld",
    "Wrapped",
    "constrain",
    "dump_seeds",
    "export_flax",
    "export_pytree",
    "export_seeds",
    "in_force",
    "jax_itself",
    "load_factory",
    "load_seeds",
    "loss_digest",
    "name_optimizer_state",
    "path_of",
    "read_program",
    "reading",
    "seed_for",
    "typecheck",
    "wrap",
]
