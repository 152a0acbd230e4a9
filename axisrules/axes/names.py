"""The two kinds of axis name, and what each may be spelt with."""

import re
import unicodedata
from collections.abc import Iterable
from typing import NewType, TypeGuard

from axisrules.diagnostics import shown_value

LogicalAxis = NewType("LogicalAxis", str)
MeshAxis = NewType("MeshAxis", str)
AxisNames = tuple[LogicalAxis | None, ...]

MAX_NAME = 128
# Dots, slashes and dashes occur in the names of published models; blanks and
# letters that merely look like ASCII never do.
_LOGICAL = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]{0,127}", re.ASCII)
_MESH = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)


def is_logical_axis_name(name: object) -> TypeGuard[LogicalAxis]:
    """Whether `name` can be a logical axis; a lone `_` means a dim without a name."""
    return isinstance(name, str) and name != "_" and _LOGICAL.fullmatch(name) is not None


def is_mesh_axis_name(name: object) -> TypeGuard[MeshAxis]:
    """Whether `name` can be a mesh axis: an ASCII identifier, as the JAX runtime needs."""
    return isinstance(name, str) and _MESH.fullmatch(name) is not None


def name_problem(name: object) -> str:
    """Why `name` is no axis name, in words that make an invisible character visible."""
    if not isinstance(name, str):
        return f"{shown_value(name)} is a {type(name).__name__}, not a string"
    if not name:
        return "the name is empty"
    if name == "_":
        return "a lone `_` stands for a dim without a name"
    if len(name) > MAX_NAME:
        return f"the name has {len(name)} characters; at most {MAX_NAME} are allowed"
    for char in name:
        if ord(char) > 127 or not char.isprintable() or char.isspace():
            label = unicodedata.name(char, "a control character")
            return f"{name!a} holds U+{ord(char):04X} ({label.lower()})"
    if _LOGICAL.fullmatch(name):
        return f"{name!r} is no name for a mesh axis, which has only letters, digits and `_`"
    return f"{name!r} must start with a letter or `_`, and go on with letters, digits and `_`"


def parse_axis_names(names: str | Iterable[str | None]) -> AxisNames:
    """`"batch seq embed"` as a tuple of names; `_` in a string and None leave a dim unnamed.

    Raises ValueError when a name cannot be a logical axis.
    """
    # Only ASCII blanks part names: a no-break space is somebody's mistake, and is shown as one.
    given = re.findall(r"[^ \t\r\n]+", names) if isinstance(names, str) else list(names)
    parsed = [None if name is None or name == "_" else name for name in given]
    for name in parsed:
        if name is not None and not is_logical_axis_name(name):
            raise ValueError(name_problem(name))
    return tuple(None if name is None else LogicalAxis(name) for name in parsed)
