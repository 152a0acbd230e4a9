"""Parameter dims that stay whole because their names are weak or guesses, and what that costs."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax

from axisrules.adapters.program import layers_as_glob
from axisrules.axes import AxisNames, LogicalAxis
from axisrules.diagnostics import Diagnostic, catalog
from axisrules.infer import NamedArray, NameSource
from axisrules.mesh import MeshSpec
from axisrules.resolve import Leaf, survey
from axisrules.rules import RuleTable

MAX_LISTED = 12


@dataclass(frozen=True, slots=True)
class Withheld:
    """A parameter dim that stays whole: its name is weak or a guess, and nobody has confirmed it.

    `usable` are the names of the array that are acted upon; None for this dim, and for others like it.
    """

    array: NamedArray
    dim: int
    usable: AxisNames

    @property
    def path(self) -> str:
        """The parameter's `/`-joined path."""
        return self.array.place.path

    @property
    def name(self) -> LogicalAxis | None:
        """The name that it would have."""
        return self.array.dims[self.dim].name

    @property
    def source(self) -> NameSource:
        """Where that name comes from: weak or role."""
        return self.array.dims[self.dim].source

    @property
    def bytes(self) -> int:
        """Bytes of the whole array."""
        return math.prod(self.array.shape) * self._itemsize

    def cost(self, rules: RuleTable, mesh: MeshSpec) -> int:
        """Bytes of the parameter per device that the dim costs under a table by staying whole."""
        return self.held(rules, mesh) - self.held(rules, mesh, confirmed=True)

    def held(self, rules: RuleTable, mesh: MeshSpec, *, confirmed: bool = False) -> int:
        """Bytes of the parameter on a device under a table: as it is, or with this dim's name confirmed."""
        names = list(self.usable)
        if confirmed:
            names[self.dim] = self.name
        leaf = Leaf(self.path, "params", self.array.shape, self.array.dtype, self._itemsize, tuple(names))
        return survey([leaf], rules, mesh).bytes_per_device()

    @property
    def _itemsize(self) -> int:
        return int(jax.numpy.dtype(self.array.dtype).itemsize)


def withheld_findings(dims: Sequence[Withheld]) -> Iterator[Diagnostic]:
    """One AXR323 for each name, with the dims that would have it and the bytes of their arrays."""
    for held in _by_name(dims):
        listed = _listed(held, [dim.bytes for dim in held])
        yield _finding(held, f"these stay whole: {listed}")


def withheld_costs(dims: Sequence[Withheld], rules: RuleTable, mesh: MeshSpec) -> Iterator[Diagnostic]:
    """One AXR323 for each name that would save bytes under a table: what each dim costs, and all do.

    Bytes are those of the parameters on one device; the optimizer's state comes on top, as it follows
    them. A name that the table doesn't shard costs nothing, and is not reported.
    """
    for held in _by_name(dims):
        costs = {(dim.path, dim.dim): dim.cost(rules, mesh) for dim in held}
        costly = [dim for dim in held if costs[dim.path, dim.dim]]
        if costly:
            without = sum(dim.held(rules, mesh) for dim in costly)
            confirmed = without - sum(costs.values())
            listed = _listed(costly, [costs[dim.path, dim.dim] for dim in costly])
            why = (
                f"these stay whole, at {without:,} bytes per device where the name confirmed makes it "
                f"{confirmed:,}; the cost of each: {listed}"
            )
            yield _finding(costly, why, f"on mesh ({mesh})")


def _finding(held: Sequence[Withheld], said: str, where: str = "") -> Diagnostic:
    first = held[0]
    how = "only guessed from its use" if first.source == "role" else "that of a part or a multiple of it"
    why = f"the name `{first.name}` is {how}, so that {said}"
    fix = f'confirm it: confirm = ["{first.name}"], or name one of them in [params]'
    subject = f"params:{first.path}[{first.dim}]" + (f"  {where}" if where else "")
    return catalog.WITHHELD_NAME.at(subject=subject, why=why, fix=fix)


def _by_name(dims: Sequence[Withheld]) -> list[list[Withheld]]:
    found: dict[tuple[str | None, str], list[Withheld]] = {}
    for dim in dims:
        found.setdefault((dim.name, dim.source), []).append(dim)
    return list(found.values())


def _listed(dims: Sequence[Withheld], sizes: Sequence[int]) -> str:
    """Every dim with a number of bytes, those of layers that are alike as one."""
    groups: dict[tuple[str, int], list[Withheld]] = {}
    for dim, size in zip(dims, sizes, strict=True):
        groups.setdefault((f"{layers_as_glob(dim.path)}[{dim.dim}]", size), []).append(dim)
    listed = [
        f"{place} ({number:,} bytes each, {len(alike)} alike)"
        if len(alike) > 1
        else f"{alike[0].path}[{alike[0].dim}] ({number:,} bytes)"
        for (place, number), alike in groups.items()
    ]
    more = f" and {len(listed) - MAX_LISTED} more" if len(listed) > MAX_LISTED else ""
    return ", ".join(listed[:MAX_LISTED]) + more
