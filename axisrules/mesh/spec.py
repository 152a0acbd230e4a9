"""What the machine offers: a mesh as names and sizes, before any device is touched."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeGuard

from axisrules.axes import MeshAxis, is_mesh_axis_name, name_problem
from axisrules.diagnostics import AxisRulesError, Code, Diagnostic, catalog, raise_errors, shown_value

AxisType = Literal["auto", "explicit"]
WILDCARD = -1

_ENTRY = re.compile(r"\s*(?P<slices>slices:)?(?P<name>[^=:]*)=(?P<size>[^=]*)")


@dataclass(frozen=True, slots=True)
class MeshSpec:
    """Mesh axes, major to minor, each with its size; -1 takes the devices that are left.

    `slices` says over how many slices (joined by the data-center network) an axis goes, for the
    axes that cross slices: `data` of size 8 over 2 slices has 4 devices in each slice.
    """

    sizes: tuple[tuple[MeshAxis, int], ...]
    slices: tuple[tuple[MeshAxis, int], ...] = ()
    axis_type: AxisType = "auto"

    @property
    def shape(self) -> dict[MeshAxis, int]:
        """Size by mesh axis, major to minor."""
        return dict(self.sizes)

    @property
    def device_count(self) -> int:
        """The product of the sizes; only meaningful without a wildcard."""
        return math.prod(size for _, size in self.sizes)

    @property
    def slice_count(self) -> int:
        """How many slices the mesh spans."""
        return math.prod(count for _, count in self.slices)

    def fill(self, device_count: int) -> "MeshSpec":
        """The mesh on exactly `device_count` devices, its wildcard replaced by a number.

        Raises AxisRulesError: AXR205 when the sizes do not fit, AXR208 when the slices do not.
        """
        known = math.prod(size for _, size in self.sizes if size != WILDCARD)
        has_wildcard = any(size == WILDCARD for _, size in self.sizes)
        if device_count < 1 or device_count % known or (known != device_count and not has_wildcard):
            raise AxisRulesError([_does_not_fit(self, known, device_count)])
        left = device_count // known
        sizes = tuple((name, left if size == WILDCARD else size) for name, size in self.sizes)
        filled = replace(self, sizes=sizes)
        for name, count in self.slices:
            size = filled.shape[name]
            if size % count:
                why = f"`{name}` has {size} devices, which {count} slices cannot share evenly"
                raise AxisRulesError([catalog.SLICE_COUNT.at(subject=str(self), why=why)])
        return filled

    def __str__(self) -> str:
        across = [f"slices:{name}={count}" for name, count in self.slices]
        return ",".join([f"{name}={size}" for name, size in self.sizes] + across)


def parse_mesh(source: "str | Mapping[str, int] | MeshSpec", *, axis_type: AxisType = "auto") -> MeshSpec:
    """The mesh that `"data=2,fsdp=-1,tensor=4"` or a mapping of sizes describes.

    `slices:data=2` says that `data` goes over two slices. Axis types are always chosen here,
    never left to JAX's default. Raises AxisRulesError with every problem found (AXR201 to AXR204,
    AXR208, AXR209).

    >>> parse_mesh("data=2,tensor=4").shape
    {'data': 2, 'tensor': 4}
    """
    if isinstance(source, MeshSpec):
        return source
    found: list[Diagnostic] = []
    if axis_type not in ("auto", "explicit"):
        why = f"{shown_value(axis_type)} is no type for mesh axes; choose `auto` or `explicit`"
        found.append(catalog.BAD_MESH.at(why=why))
    subject = "" if source == "" else shown_value(source)
    sizes: list[tuple[MeshAxis, int]] = []
    slices: list[tuple[MeshAxis, int]] = []
    for name, size, counts_slices in _entries(source, found):
        if not is_mesh_axis_name(name):
            found.append(catalog.BAD_MESH_NAME.at(subject=subject, why=name_problem(name)))
        elif not _is_size(size):
            why = f"`{name}` has the size {shown_value(size)}; wanted a whole number from 1, or -1"
            found.append(catalog.BAD_MESH_SIZE.at(subject=subject, why=why))
        else:
            (slices if counts_slices else sizes).append((name, size))
    problems = _structure_problems(sizes, slices) if not found else ()
    found += [code.at(subject=subject, why=why) for code, why in problems]
    raise_errors(found)
    return MeshSpec(tuple(sizes), tuple(slices), axis_type)


def _entries(source: object, found: list[Diagnostic]) -> list[tuple[object, object, bool]]:
    """(name, size, whether it counts slices), with names and sizes still unchecked."""
    if isinstance(source, Mapping):
        return [(name, size, False) for name, size in source.items()]
    if not isinstance(source, str):
        why = f"a {type(source).__name__} is no mesh; write `data=2,tensor=4` or give a mapping"
        found.append(catalog.BAD_MESH.at(why=why))
        return []
    entries: list[tuple[object, object, bool]] = []
    for text in source.split(","):
        match = _ENTRY.fullmatch(text)
        if not match:
            why = f"{shown_value(text)} is not of the form `name=size`"
            found.append(catalog.BAD_MESH.at(subject=shown_value(source), why=why))
            continue
        size = match["size"].strip()
        number = int(size) if re.fullmatch(r"-?[0-9]{1,9}", size, re.ASCII) else size
        entries.append((match["name"].strip(), number, match["slices"] is not None))
    return entries


def _is_size(size: object) -> TypeGuard[int]:
    return isinstance(size, int) and not isinstance(size, bool) and (size == WILDCARD or size >= 1)


def _structure_problems(
    sizes: list[tuple[MeshAxis, int]], slices: list[tuple[MeshAxis, int]]
) -> Iterator[tuple[Code, str]]:
    for listed in (sizes, slices):
        names = [name for name, _ in listed]
        for name in sorted({n for n in names if names.count(n) > 1}):
            yield catalog.REPEATED_IN_MESH, f"`{name}` is given twice"
    wild = [name for name, size in sizes if size == WILDCARD]
    if len(wild) > 1:
        listed_names = ", ".join(f"`{n}`" for n in wild)
        yield catalog.TWO_WILDCARDS, f"{listed_names} are all -1, and only one size can be worked out"
    for name, count in slices:
        if name not in dict(sizes) or count == WILDCARD:
            why = f"`slices:{name}={count}` needs a number of slices, and the size of `{name}` beside it"
            yield catalog.SLICE_COUNT, why


def _does_not_fit(spec: MeshSpec, known: int, device_count: int) -> Diagnostic:
    why = f"the sizes multiply to {known}, and there are {device_count} devices"
    fix = f"give sizes whose product is {device_count}, or -1 for one of them where they divide it"
    return catalog.DEVICE_COUNT.at(subject=str(spec), why=why, fix=fix)
