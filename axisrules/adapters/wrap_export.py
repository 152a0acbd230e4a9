"""Inferred axes on their way out: as seeds, as JSON, and the seed that one answer becomes."""

import json
from typing import Any

from axisrules.adapters.probe import PARAMS
from axisrules.adapters.program import layers_as_glob
from axisrules.adapters.seeds import PathSeed, Seeds
from axisrules.adapters.wrapped import Wrapped
from axisrules.axes import AxisNames, LogicalAxis, PathPattern, is_logical_axis_name, name_problem
from axisrules.diagnostics import AxisRulesError, Origin, catalog

ANSWERED = Origin("an answer")
EXPORTED = Origin("inferred")


def export_pytree(wrapped: Wrapped) -> str:
    """The names of every parameter that may be acted upon, as a JSON tree; null for one without any."""
    tree: dict[str, Any] = {}
    for path, names in wrapped.program.param_axes.items():
        *parents, last = path.split("/")
        node = tree
        for part in parents:
            node = node.setdefault(part, {})
        node[last] = None if names is None else list(names)
    return json.dumps(tree, indent=2) + "\n"


def export_seeds(wrapped: Wrapped) -> Seeds:
    """Seeds that name every parameter, layers that are named alike under one glob."""
    axes = {path: names for path, names in wrapped.program.param_axes.items() if names}
    globs = dict.fromkeys(_glob(path, axes) for path in axes)
    named = [PathSeed("params", PathPattern(glob), _first(glob, axes), EXPORTED) for glob in globs]
    kept = tuple(seed for seed in wrapped.seeds.paths if seed.section != "params")
    return Seeds(
        (*kept, *named),
        annotations=wrapped.seeds.annotations,
        constraints=wrapped.seeds.constraints,
        translation=wrapped.seeds.translation,
    )


def seed_for(wrapped: Wrapped, path: str, dim: int, name: str) -> PathSeed:
    """The seed that names one dim of a parameter, and leaves the others to inference.

    Raises AxisRulesError (AXR306) for a name that is none.
    """
    if not is_logical_axis_name(name):
        raise AxisRulesError([catalog.BAD_ANNOTATION.at(subject=f"{path}[{dim}]", why=name_problem(name))])
    rank = len(wrapped.inference.array(PARAMS, path).shape)
    names: list[LogicalAxis | None] = [None] * rank
    names[dim] = name
    return PathSeed("params", PathPattern(path), tuple(names), ANSWERED)


def _glob(path: str, axes: dict[str, AxisNames]) -> str:
    """`path` with `*` for its layers' numbers, where all that then matches is named alike."""
    glob = layers_as_glob(path)
    pattern = PathPattern(glob)
    alike = {names for other, names in axes.items() if pattern.matches(other)}
    return glob if len(alike) == 1 else path


def _first(glob: str, axes: dict[str, AxisNames]) -> AxisNames:
    pattern = PathPattern(glob)
    return next(names for path, names in axes.items() if pattern.matches(path))
