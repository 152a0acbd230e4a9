"""Which equations of a traced model are recomputed together: by module path, or by layer."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from jax.extend.core import Jaxpr

from axisrules.axes import PathPattern, PatternSet
from axisrules.rules import LAYERS, Remat

Path = tuple[str, ...]
Unit = tuple[int, str]  # the policy that recomputes it, and what it is called

# `vmap(layers)`: a transformation around a module names itself in the path.
_WRAPPED = re.compile(r"^\w+\((.*)\)$")
_NUMBERED = re.compile(r"^(.*?)[_.]?(\d+)$")
# A constraint's own scope, which is no module: see `scope_of` in partition.
_CONSTRAINT = "axr("
MATMULS = ("dot_general", "conv_general_dilated")


@dataclass(frozen=True)
class Units:
    """Finds the unit of an equation under `policies`; the first policy that knows it has it."""

    policies: tuple[Remat, ...]
    _globs: tuple[tuple[int, str], ...] = field(init=False)
    _patterns: PatternSet = field(init=False)

    def __post_init__(self) -> None:
        globs = tuple(
            (number, glob)
            for number, policy in enumerate(self.policies)
            for glob in policy.recompute
            if glob != LAYERS
        )
        object.__setattr__(self, "_globs", globs)
        object.__setattr__(self, "_patterns", PatternSet(anywhere(glob) for _, glob in globs))

    @property
    def of_layers(self) -> int | None:
        """The first policy that recomputes layers."""
        found = (n for n, policy in enumerate(self.policies) if LAYERS in policy.recompute)
        return next(found, None)

    def matches(self, path: Path) -> tuple[Unit, str] | None:
        """The outermost module on the way to `path` that a pattern names, and the pattern."""
        for end in range(1, len(path) + 1):
            found = self._patterns.matching("/".join(path[:end]))
            if found:
                number, glob = self._globs[found[0]]
                return (number, "/".join(path[:end])), glob
        return None


def anywhere(glob: str) -> PathPattern:
    """`glob` at any depth: whoever names a module need not know what holds it."""
    return PathPattern(glob if glob.startswith("**/") else f"**/{glob}")


def module_path(equation: Any, within: Path = ()) -> Path:
    """The modules that `equation` was traced in, outermost first; `within` are those around its jaxpr."""
    scopes = str(equation.source_info.name_stack).split("/")
    return (*within, *(name for scope in scopes if (name := _module(scope))))


def _module(scope: str) -> str:
    if scope.startswith(_CONSTRAINT):
        return ""
    wrapped = _WRAPPED.match(scope)
    return _module(wrapped[1]) if wrapped else scope


def numbered_layers(paths: Iterable[Path], every: int) -> dict[Path, str]:
    """Modules that stand in a row (`layers_0`, `layers/1`), each with the group of `every` that it is in.

    The outermost rows alone, and only rows of two or more: a lone `Dense_0` is no layer.
    """
    rows: dict[Path, dict[Path, None]] = {}
    for path in dict.fromkeys(paths):
        for end, name in enumerate(path):
            if numbered := _NUMBERED.match(name):
                rows.setdefault((*path[:end], numbered[1]), {})[path[: end + 1]] = None
    long = {row: list(members) for row, members in rows.items() if len(members) > 1}
    outermost = [m for row, m in long.items() if not any(_holds(o, row) for o in long.values() if o is not m)]
    return {
        member: "/".join(members[place // every * every])
        for members in outermost
        for place, member in enumerate(members)
    }


def _holds(members: list[Path], row: Path) -> bool:
    return any(row[: len(member)] == member for member in members)


def filled(keys: list[Any], policy: int) -> list[Any]:
    """`keys` in which what stands between two layers of one group belongs to the group, too."""
    result, last = list(keys), None
    for place, key in enumerate(keys):
        if key is None:
            continue
        if last is not None and key == keys[last] and isinstance(key, tuple) and key[0] == policy:
            result[last:place] = [key] * (place - last)
        last = place
    return result


def multiplies(jaxpr: Jaxpr) -> bool:
    """Whether a matmul or a convolution is anywhere in `jaxpr`: what makes a loop one over layers."""
    return any(
        equation.primitive.name in MATMULS or any(multiplies(inner) for inner in inner_jaxprs(equation))
        for equation in jaxpr.eqns
    )


def inner_jaxprs(equation: Any) -> list[Jaxpr]:
    """The jaxprs among the parameters of `equation`, closed or not."""
    found = (getattr(value, "jaxpr", value) for value in equation.params.values())
    return [jaxpr for jaxpr in found if isinstance(jaxpr, Jaxpr)]
