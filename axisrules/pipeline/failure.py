"""The user's own line of an equation, and constraints that have no place in a pipeline."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import flax
import jax
from jax.extend.core import Jaxpr, JaxprEqn, jaxprs_in_params

from axisrules.diagnostics import AxisRulesError, Origin, catalog

# Frames in these folders are not the user's own.
_FOREIGN = {Path(package.__path__[0]) for package in (jax, flax)} | {Path(__file__).parents[1]}

CONSTRAINTS = ("sharding_constraint", "reshard")


def line_of(eqn: JaxprEqn) -> Origin | None:
    """The innermost line of the user's own code that made `eqn`."""
    made: Any = eqn.source_info.traceback
    for frame in made.frames if made else ():
        if _FOREIGN.isdisjoint(Path(frame.file_name).parents):
            return Origin(frame.file_name, frame.line_num)
    return None


def check_constraints(jaxpr: Jaxpr, mesh_axes: Collection[str]) -> None:
    """Raise AxisRulesError (AXR758) for a constraint of the model's own on one of `mesh_axes`.

    They are Manual in a pipeline. Constraints by logical axes leave no trace while a program is read.
    """
    for eqn in jaxpr.eqns:
        if eqn.primitive.name in CONSTRAINTS:
            sharding: Any = eqn.params.get("sharding", eqn.params.get("dst_sharding"))
            named = [axis for axis in _axes(getattr(sharding, "spec", ())) if axis in mesh_axes]
            if named:
                why = f"it asks for {sharding.spec}, and the pipeline cuts along `{named[0]}` itself"
                fix = "name logical axes: axisrules.constrain(x, ...)"
                raise AxisRulesError([catalog.MANUAL_CONSTRAINT.at(line_of(eqn), why=why, fix=fix)])
        for inner in jaxprs_in_params(eqn.params):
            check_constraints(inner, mesh_axes)


def _axes(spec: Iterable[Any]) -> list[str]:
    """The mesh axes of a PartitionSpec."""
    return [axis for entry in spec for axis in ((entry,) if isinstance(entry, str) else entry or ())]
