"""What both readers find in a model, and how an annotation becomes logical axes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import jax
from jax.sharding import NamedSharding

from axisrules.adapters.program import AxesByPath, Model, Shapes
from axisrules.axes import AxisNames, parse_axis_names
from axisrules.diagnostics import Diagnostic, catalog
from axisrules.rules import Kind


@dataclass(frozen=True, eq=False)
class Reading:
    """The part of a Program that depends on the API the model is written in."""

    api: Literal["linen", "nnx", "function"]
    params: Shapes
    rest: Shapes
    param_axes: AxesByPath
    rest_axes: AxesByPath
    rest_kinds: dict[str, Kind]
    init: Callable[[jax.Array], tuple[Any, Any]]
    bind: Callable[[Any, Any, jax.Array | None], Model]
    collect: Callable[[Model], Any]
    findings: tuple[Diagnostic, ...]


def read_annotation(names: object, path: str, findings: list[Diagnostic]) -> AxisNames | None:
    """The logical axes that `names` annotates the array at `path` with; None where it has none.

    An annotation that names no logical axes is added to `findings` (AXR306).
    """
    if isinstance(names, NamedSharding):
        names = names.spec
    if names is None:
        return None
    why = f"{names!r} is a string, not a tuple with a name per dim"
    if not isinstance(names, str):
        try:
            return parse_axis_names(tuple(names))  # type: ignore[arg-type]  # what is no sequence is refused
        except (TypeError, ValueError) as error:
            why = str(error)
    fix = 'annotate with one logical axis or None per dim: ("embed", None)'
    findings.append(catalog.BAD_ANNOTATION.at(subject=path, why=why, fix=fix))
    return None


def bare(shapes: Shapes) -> Shapes:
    """The shapes and dtypes alone, without the sharding that a mesh around the reader left in them."""
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), shapes)
