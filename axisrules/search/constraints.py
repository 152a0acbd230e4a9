"""What the user has decided already: axes that are fixed or forbidden, and sizes that the mesh may have."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from axisrules.diagnostics import Diagnostic, Origin, catalog, did_you_mean, raise_errors
from axisrules.rules import RuleTable
from axisrules.search.candidate import Candidate
from axisrules.search.roles import Roles
from axisrules.search.table import MESH_AXES

# Not axes of an array, but settled in the same way: `--fix remat=full`.
SETTINGS = ("remat", "accumulate", "schedule", "microbatches", "sharded")

_SIZE = re.compile(r"(?P<least>[1-9][0-9]*)(\.\.(?P<most>[1-9][0-9]*))?|\*", re.ASCII)


@dataclass(frozen=True, slots=True)
class SizeRange:
    """The sizes that a mesh axis may have, both ends included."""

    least: int = 1
    most: int = 1 << 30

    def __contains__(self, size: object) -> bool:
        return isinstance(size, int) and self.least <= size <= self.most


@dataclass(frozen=True)
class Constraints:
    """Which candidates are left to the search. Without any, all of them.

    `fixed` and `forbidden` are (name, value): a logical axis and a mesh axis, "none" or "*" for one left
    whole or cut anyhow; or one of SETTINGS and its value. `mesh` holds sizes by mesh axis; with a mesh,
    axes that it does not name have one device. `hbm` is the part of a device's memory to fill at most.
    """

    fixed: tuple[tuple[str, str], ...] = ()
    forbidden: tuple[tuple[str, str], ...] = ()
    mesh: tuple[tuple[str, SizeRange], ...] = ()
    hbm: float = 1.0

    def allows_size(self, mesh_axis: str, size: int) -> bool:
        """Whether a mesh axis may have so many devices."""
        return size in dict(self.mesh).get(mesh_axis, SizeRange(most=1) if self.mesh else SizeRange())

    def allows(self, candidate: Candidate, table: RuleTable) -> bool:
        """Whether a candidate, whose table is `table`, keeps to all of them."""
        if not all(self.allows_size(axis, candidate.size(axis)) for axis in MESH_AXES):
            return False
        return all(_holds(one, candidate, table) for one in self.fixed) and not any(
            _holds(one, candidate, table) for one in self.forbidden
        )


def parse_constraints(
    fixed: Iterable[str] = (), forbidden: Iterable[str] = (), mesh: str = "", *, hbm: float = 1.0
) -> Constraints:
    """The constraints of `--fix seq=tensor`, `--forbid 'embed=*'` and `--mesh data=*,tensor=1..8`.

    Raises AxisRulesError (AXR902) with every one that cannot be read.
    """
    found: list[Diagnostic] = []
    fixes = tuple(_pair(text, "--fix", found) for text in fixed)
    forbids = tuple(_pair(text, "--forbid", found) for text in forbidden)
    sizes = [_sizes(text, found) for text in mesh.split(",") if text.strip()]
    if not 0 < hbm <= 1:
        found.append(_unreadable("--hbm", f"{hbm:g} is no part of the memory: more than 0, at most 1"))
    raise_errors(found)
    return Constraints(fixes, forbids, tuple(sizes), hbm)


def check_constraints(constraints: Constraints, roles: Roles) -> None:
    """Raise AxisRulesError: AXR902 for a name that the program lacks, AXR903 for a contradiction."""
    names = sorted({*roles.sizes, *SETTINGS})
    found = [
        _unreadable(f"--{word}", f"the program has no axis `{name}`", did_you_mean(name, names))
        for word, pairs in (("fix", constraints.fixed), ("forbid", constraints.forbidden))
        for name, _ in pairs
        if not any(fnmatchcase(known, name) for known in names)
    ]
    both = [pair for pair in constraints.fixed if pair in constraints.forbidden]
    both += [
        pair for pair in constraints.fixed if (pair[0], "*") in constraints.forbidden and pair[1] != "none"
    ]
    twice = [a for a in constraints.fixed for b in constraints.fixed if a[0] == b[0] and a[1] < b[1]]
    found += [
        catalog.CONTRADICTION.at(why=f"`{name}={value}` is fixed and forbidden") for name, value in both
    ]
    found += [
        catalog.CONTRADICTION.at(why=f"`{name}` is fixed to two things: {_values(name, constraints)}")
        for name, _ in twice
    ]
    raise_errors(found)


def _values(name: str, constraints: Constraints) -> str:
    return " and ".join(f"`{value}`" for fixed, value in constraints.fixed if fixed == name)


def _pair(text: str, option: str, found: list[Diagnostic]) -> tuple[str, str]:
    name, equals, value = (part.strip() for part in text.partition("="))
    if not (name and equals and value):
        found.append(_unreadable(option, f"`{text}` is not of the form `name=value`", f"{option} seq=tensor"))
    return name, value


def _sizes(text: str, found: list[Diagnostic]) -> tuple[str, SizeRange]:
    name, _, value = (part.strip() for part in text.partition("="))
    match = _SIZE.fullmatch(value)
    if name not in MESH_AXES:
        why = f"a search has no mesh axis `{name}`"
        found.append(_unreadable("--mesh", why, did_you_mean(name, MESH_AXES)))
    elif not match:
        found.append(_unreadable("--mesh", f"`{value}` is no size", f"{name}=4, {name}=1..8 or {name}=*"))
    elif value != "*":
        least = int(match["least"])
        return name, SizeRange(least, int(match["most"] or least))
    return name, SizeRange()


def _unreadable(option: str, why: str, fix: str = "") -> Diagnostic:
    return catalog.BAD_CONSTRAINT.at(Origin(option), why=why, fix=fix)


def _holds(pair: tuple[str, str], candidate: Candidate, table: RuleTable) -> bool:
    name, value = pair
    if name in SETTINGS:
        return str(getattr(candidate, name) or "none") == value
    cut = {
        (rule.logical_axis, mesh_axis)
        for rule in table.rules
        for mesh_axis in rule.mesh_axes
        if fnmatchcase(rule.logical_axis, name)
    }
    if value == "none":
        return not cut
    return any(value in ("*", mesh_axis) for _, mesh_axis in cut)
