"""The two kinds of axis name, and what each may be spelt with."""

import re
import unicodedata
from collections.abc import Sequence
from typing import NewType

LogicalAxis = NewType("LogicalAxis", str)
MeshAxis = NewType("MeshAxis", str)
AxisNames = tuple[LogicalAxis | None, ...]

# Dots, slashes and dashes occur in the names of published models; blanks and
# letters that merely look like ASCII never do.
_LOGICAL = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]{0,127}", re.ASCII)
_MESH = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)


def is_logical_axis_name(name: object) -> bool:
    """Whether `name` can be a logical axis; a lone `_` means a dim without a name."""
    return isinstance(name, str) and name != "_" and _LOGICAL.fullmatch(name) is not None


def is_mesh_axis_name(name: object) -> bool:
    """Whether `name` can be a mesh axis: an ASCII identifier, as the JAX runtime needs."""
    return isinstance(name, str) and _MESH.fullmatch(name) is not None


def name_problem(name: object) -> str:
    """Why `name` is no axis name, in words that make an invisible character visible."""
    if not isinstance(name, str):
        return f"{name!r} is a {type(name).__name__}, not a string"
    if not name:
        return "the name is empty"
    if len(name) > 128:
        return f"the name has {len(name)} characters; at most 128 are allowed"
    for char in name:
        if ord(char) > 127 or not char.isprintable() or char.isspace():
            label = unicodedata.name(char, "a control character")
            return f"{ascii(name)} holds U+{ord(char):04X} ({label.lower()})"
    return f"{name!r} must start with a letter or `_`, followed by letters, digits or `_`"


def parse_axis_names(names: str | Sequence[str | None]) -> AxisNames:
    """`"batch seq embed"` as a tuple of names; `_` in a string and None leave a dim unnamed.

    Raises ValueError when a name cannot be a logical axis.
    """
    given = names.split() if isinstance(names, str) else tuple(names)
    parsed = tuple(None if name is None or name == "_" else name for name in given)
    for name in parsed:
        if name is not None and not is_logical_axis_name(name):
            raise ValueError(name_problem(name))
    return tuple(None if name is None else LogicalAxis(name) for name in parsed)
