"""What each logical axis of a program can be used for, read off its arrays: never by an axis's name."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from axisrules.axes import LogicalAxis
from axisrules.diagnostics import AxisRulesError, catalog
from axisrules.resolve import Leaf
from axisrules.rules import STAGED_AXES


@dataclass(frozen=True, slots=True)
class Group:
    """Logical axes of one kind of module that are cut together: `heads` and `kv_heads` of an attention."""

    name: str
    axes: tuple[LogicalAxis, ...]


@dataclass(frozen=True)
class Roles:
    """The parts that a program's logical axes can play in a layout.

    `rows` is the batch's first dim, `positions` the one beside it that activations have too. `cover` is the
    axis that most bytes of the parameters have: cut over `fsdp`, little is held twice. `groups` are the
    axes inside of modules, for `tensor`; `experts` leads the weights of whole modules, and `layers` is
    what scan stacked. `sizes` has every axis; `others` are left whole, each with the reason.
    """

    rows: LogicalAxis
    positions: LogicalAxis | None
    cover: LogicalAxis | None
    groups: tuple[Group, ...]
    experts: LogicalAxis | None
    layers: LogicalAxis | None
    sizes: dict[LogicalAxis, int]
    others: dict[LogicalAxis, str]

    @property
    def inner(self) -> tuple[LogicalAxis, ...]:
        """The axes of all groups."""
        return tuple(axis for group in self.groups for axis in group.axes)


def read_roles(leaves: Sequence[Leaf]) -> Roles:
    """The roles of the logical axes of `leaves`.

    Raises AxisRulesError (AXR901) when no array of the batch has a named first dim: nothing could be cut.
    """
    params = [leaf for leaf in leaves if leaf.kind == "params" and leaf.logical_axes]
    activations = [leaf for leaf in leaves if leaf.kind == "activations" and leaf.logical_axes]
    rows, positions = _of_the_batch(leaves, activations)
    named = {axis for leaf in leaves for axis in leaf.logical_axes or () if axis}
    seen = {axis for leaf in activations for axis in leaf.logical_axes or () if axis}
    weights = _bytes_by_axis(params)
    stacked = {axis for axis in weights if seen and axis not in seen}
    layers = next((axis for axis in weights if axis in STAGED_AXES), None)
    usable = {axis: size for axis, size in weights.items() if axis not in {*stacked, layers, rows, positions}}
    cover = max(usable, key=lambda axis: usable[axis], default=None)
    experts = _leading(params, cover, layers, set(usable))
    groups = _groups(params, [axis for axis in usable if axis not in (cover, experts)])
    used = {rows, positions, cover, experts, layers, *(axis for group in groups for axis in group.axes)}
    return Roles(
        rows=rows,
        positions=positions,
        cover=cover,
        groups=groups,
        experts=experts,
        layers=layers,
        sizes=_sizes(leaves),
        others={axis: _why_whole(axis, weights, stacked) for axis in sorted(named - used)},
    )


def _of_the_batch(
    leaves: Sequence[Leaf], activations: Sequence[Leaf]
) -> tuple[LogicalAxis, LogicalAxis | None]:
    """The axis of the batch's rows, and that of the positions in a row."""
    arrays = [leaf for leaf in leaves if leaf.kind == "batch" and leaf.logical_axes and leaf.logical_axes[0]]
    if not arrays:
        why = "no array of the batch has a named first dim, so no device could be given a part of it"
        raise AxisRulesError([catalog.NOTHING_TO_CUT.at(why=why, fix="name the batch's dims: batch_axes")])
    largest = max(arrays, key=lambda leaf: leaf.bytes)
    axes = largest.logical_axes or ()
    seen = Counter(axis for leaf in activations for axis in leaf.logical_axes or ())
    beside = [axis for axis in axes[1:] if axis and seen[axis] * 2 > len(activations)]
    return LogicalAxis(axes[0] or ""), LogicalAxis(beside[0]) if beside else None


def _bytes_by_axis(params: Iterable[Leaf]) -> Counter[LogicalAxis]:
    """Bytes of the parameters that have each axis."""
    found: Counter[LogicalAxis] = Counter()
    for leaf in params:
        for axis in dict.fromkeys(leaf.logical_axes or ()):
            if axis:
                found[LogicalAxis(axis)] += leaf.bytes
    return found


def _sizes(leaves: Iterable[Leaf]) -> dict[LogicalAxis, int]:
    """The size of each axis; the smallest where arrays differ, since that is what has to divide."""
    found: dict[LogicalAxis, int] = {}
    for leaf in leaves:
        for axis, size in zip(leaf.logical_axes or (), leaf.shape, strict=False):
            if axis:
                found[LogicalAxis(axis)] = min(size, found.get(LogicalAxis(axis), size))
    return found


def _module(leaf: Leaf) -> str:
    return leaf.path.rpartition("/")[0]


def _leading(
    params: Sequence[Leaf], cover: LogicalAxis | None, layers: LogicalAxis | None, usable: set[LogicalAxis]
) -> LogicalAxis | None:
    """The axis that comes first in every large weight of some module, before the one that covers them.

    An attention's projections begin with different axes; only what is held once per expert begins alike.
    """
    modules: dict[str, list[tuple[LogicalAxis, ...]]] = {}
    for leaf in params:
        axes = tuple(LogicalAxis(axis) for axis in leaf.logical_axes or () if axis and axis != layers)
        if len(axes) > 2:
            modules.setdefault(_module(leaf), []).append(axes)
    for weights in modules.values():
        first = {axes[0] for axes in weights}
        if len(weights) > 1 and len(first) == 1 and first <= usable - {cover}:
            return first.pop()
    return None


def _groups(params: Sequence[Leaf], axes: Sequence[LogicalAxis]) -> tuple[Group, ...]:
    """The outermost inner axis of every weight, those of one module together."""
    by_module: dict[str, list[LogicalAxis]] = {}
    for leaf in params:
        inner = [axis for axis in leaf.logical_axes or () if axis and axis in axes]
        named = [axis for axis in leaf.logical_axes or () if axis]
        if inner and len(named) > 1:
            by_module.setdefault(_module(leaf), []).append(LogicalAxis(inner[0]))
    merged: list[tuple[str, set[LogicalAxis]]] = []
    for module, found in by_module.items():
        together = [entry for entry in merged if entry[1] & set(found)]
        name = together[0][0] if together else module
        union = set(found).union(*(entry[1] for entry in together))
        merged = [*(entry for entry in merged if entry not in together), (name, union)]
    return tuple(
        Group(name.rpartition("/")[2] or " ".join(sorted(union)), tuple(sorted(union)))
        for name, union in merged
    )


def _why_whole(axis: str, weights: Counter[LogicalAxis], stacked: set[LogicalAxis]) -> str:
    if axis in stacked:
        return "it stacks weights, and no activation has it"
    if axis in weights:
        return "in every weight that has it another axis of the module comes first"
    return "no parameter has it"
