"""Which rule asked for a collective: its mesh axes, looked up in the arrays that it has to do with."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from urllib.parse import unquote

from axisrules.analysis import Collective, Flow, Ledger, Module, Origins, trace_origins
from axisrules.axes import LogicalAxis, MeshAxis
from axisrules.partition import LeafName
from axisrules.resolve import LeafPlan, Plan, stage_axis_of

# What `constrain` calls its scope: `axr(activation;batch,seq;model.py:40)`, percent-encoded inside.
SCOPE = re.compile(r"axr\(([^)]*)\)")
# In the order in which they explain a collective that no array of its own explains.
FALLBACK_KINDS = ("activations", "batch", "params")

BATCH = "batch"
SUMS = ("all-reduce", "reduce-scatter")


@dataclass(frozen=True)
class Cause:
    """Why a collective is there: logical axes that a rule put on its mesh axes, in which arrays."""

    logical_axes: tuple[LogicalAxis, ...] = ()
    rules: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Numbering:
    """A plan, and which of its leaves every argument and result of the compiled program is."""

    plan: Plan
    arguments: tuple[LeafName, ...]
    results: tuple[LeafName, ...]

    def argument(self, number: int) -> LeafPlan | None:
        """The plan of argument `number`; None for what no plan lays out, such as the step count."""
        return self._leaf(self.arguments, number)

    def result(self, number: int) -> LeafPlan | None:
        """The plan of result `number`."""
        return self._leaf(self.results, number)

    @cached_property
    def activations(self) -> dict[str, tuple[LeafPlan, ...]]:
        """The activations by the line of the model that constrains them: `model.py:40`."""
        found: dict[str, tuple[LeafPlan, ...]] = {}
        for leaf_plan in self.plan.leaves:
            if leaf_plan.leaf.kind == "activations":
                line = leaf_plan.path.partition("#")[0]
                found[line] = (*found.get(line, ()), leaf_plan)
        return found

    @cached_property
    def stage_axes(self) -> set[MeshAxis]:
        """The mesh axis along which a pipeline sends activations and their gradients, alone; else none."""
        axis = stage_axis_of(self.plan.rules)
        return {axis} if axis and self.plan.rules.pipeline.schedule else set()

    @cached_property
    def between_stages(self) -> Cause:
        """Why a pipeline sends: layers lie on the stage axis, and a schedule runs them."""
        (axis,) = self.stage_axes
        found = [rule for rule in self.plan.rules.rules if axis in rule.mesh_axes]
        origins = (*(rule.origin for rule in found[:1]), self.plan.rules.pipeline.origin)
        return Cause((found[0].logical_axis,), tuple(dict.fromkeys(map(str, origins))))

    @cached_property
    def row_parts(self) -> tuple[int, ...]:
        """Into how many parts a device's rows may have been cut: microbatches, and shares of them."""
        rules, ways = self.plan.rules, 1
        if rules.accumulate:
            ways = rules.accumulate.microbatches
        if not self.stage_axes:
            return tuple({1, ways})
        stages = math.prod(self.plan.mesh.shape.get(axis, 1) for axis in self.stage_axes)
        ways *= rules.pipeline.microbatches or stages
        return tuple({1, ways, ways * stages})

    def _leaf(self, names: tuple[LeafName, ...], number: int) -> LeafPlan | None:
        if number >= len(names):
            return None
        return self._by_name.get(names[number])

    @cached_property
    def _by_name(self) -> dict[LeafName, LeafPlan]:
        return {(leaf_plan.leaf.kind, leaf_plan.path): leaf_plan for leaf_plan in self.plan.leaves}


def attribute(ledger: Ledger, module: Module, numbering: Numbering) -> Ledger:
    """The ledger with the logical axes, the rules and the arrays of every collective filled in.

    A mesh axis cuts at most one dim of an array, so an array that lies on the collective's mesh axes
    names the logical axis. Arrays of the collective's own are asked first: the parameters whose data it
    moves, those of the product that it sums up, the activation whose constraint it serves. Then come
    activations of its shape, near its line or anywhere, and at last any array of the program.
    """
    filled, flow = [], Flow(module)
    for collective in ledger:
        cause = find_cause(collective, trace_origins(flow, collective), numbering)
        filled.append(
            replace(collective, logical_axes=cause.logical_axes, rules=cause.rules, leaves=cause.leaves)
        )
    return Ledger(tuple(filled))


def find_cause(collective: Collective, origins: Origins, numbering: Numbering) -> Cause:
    """The cause of one collective; empty where no rule of the plan puts anything on its mesh axes.

    A sum has to be taken wherever a dim is cut, so any array may explain it. Data that is moved though no
    array of its shape asks for it gets logical axes and no rule: XLA moved it of its own accord.
    """
    mesh_axes = set(collective.mesh_axes)
    if collective.kind == "collective-permute" and mesh_axes == numbering.stage_axes:
        return numbering.between_stages
    is_sum = _is_sum(collective)
    gradients = _gradients(origins, numbering) if is_sum else ()
    for is_own, leaves in _witnesses(collective, origins, numbering):
        cause = _cause(leaves, mesh_axes)
        if cause.logical_axes:
            leaves_too = tuple(dict.fromkeys((*gradients, *cause.leaves)))
            return replace(cause, leaves=leaves_too, rules=cause.rules if is_sum or is_own else ())
    return Cause(leaves=gradients)


def scoped_activations(op_name: str, numbering: Numbering) -> list[LeafPlan]:
    """The activations whose `constrain` an operation's name stands in, innermost first."""
    found: list[LeafPlan] = []
    for text in reversed(SCOPE.findall(op_name)):
        kind, names, line = (*unquote(text).split(";"), "", "")[:3]
        if kind == "activation":
            same_line = numbering.activations.get(line, ())
            found += [leaf for leaf in same_line if shown_names(leaf) == names]
    return found


def shown_names(leaf_plan: LeafPlan) -> str:
    """The logical axes of a leaf as scopes write them: `batch,seq,_`."""
    return ",".join(name or "_" for name in leaf_plan.leaf.logical_axes or ())


def _is_sum(collective: Collective) -> bool:
    """Whether numbers are added up on the way; a loop of permutes may stand for a reduce-scatter."""
    return (collective.replaces or collective.kind) in SUMS


def _witnesses(
    collective: Collective, origins: Origins, numbering: Numbering
) -> Iterator[tuple[bool, Sequence[LeafPlan]]]:
    """The arrays to ask, likeliest first, and whether they are the collective's own."""
    yield True, _found(numbering.argument(number) for number in origins.parameters)
    if _is_sum(collective):
        yield True, _found(numbering.argument(number) for number in origins.product_parameters)
    yield True, scoped_activations(collective.op_name, numbering)
    near, everywhere = _near(collective, numbering), list(chain(*numbering.activations.values()))
    for leaves in (near, everywhere):
        yield (
            True,
            [
                leaf
                for leaf in leaves
                if any(_has_shape(leaf, collective, numbering.plan, parts) for parts in numbering.row_parts)
            ],
        )
    yield False, near
    for kind in FALLBACK_KINDS:
        yield False, [leaf for leaf in numbering.plan.leaves if leaf.leaf.kind == kind]


def _has_shape(leaf_plan: LeafPlan, collective: Collective, plan: Plan, row_parts: int) -> bool:
    """Whether the collective moves an array of this shape, or sums over the dim that its mesh axes cut.

    Of rows of the batch one of `row_parts` parts is meant.
    """
    sizes: Counter[int] = Counter()
    is_sum = _is_sum(collective)
    for whole, reason in zip(leaf_plan.local_shape, leaf_plan.resolution.dims, strict=True):
        local = whole // row_parts if reason.logical_axis == BATCH else whole
        shared = [axis for axis in reason.mesh_axes if axis in collective.mesh_axes]
        if not shared:
            sizes[local] += 1
        elif collective.kind == "collective-permute":
            sizes[local] += 1  # pieces go around, not the whole
        elif not is_sum:
            sizes[local * math.prod(plan.mesh.shape[axis] for axis in shared)] += 1
    moved = Counter(size for size in collective.shape if size > 1)
    sizes = Counter({size: count for size, count in sizes.items() if size > 1})
    return bool(moved) and moved <= sizes if is_sum else moved == sizes


def _gradients(origins: Origins, numbering: Numbering) -> tuple[str, ...]:
    """The parameters whose gradient the collective sums up."""
    found = _found(numbering.result(number) for number in origins.results)
    return tuple(f"params:{leaf.path}" for leaf in found if leaf.leaf.kind == "params")


def _found(leaves: Iterable[LeafPlan | None]) -> list[LeafPlan]:
    return [leaf for leaf in leaves if leaf is not None]


def _near(collective: Collective, numbering: Numbering) -> list[LeafPlan]:
    """Activations constrained on a line of the collective's stack, or else in a file of it."""
    lines = {(line.file.rpartition("/")[2], line.line) for line in collective.stack}
    files = {file for file, _ in lines}
    placed = [(_split(name), leaf) for name, leaves in numbering.activations.items() for leaf in leaves]
    return [leaf for line, leaf in placed if line in lines] or [
        leaf for (file, _), leaf in placed if file in files
    ]


def _split(line: str) -> tuple[str, int]:
    file, _, number = line.rpartition(":")
    return file, int(number) if number.isdigit() else 0


def _cause(leaves: Iterable[LeafPlan], mesh_axes: set[MeshAxis]) -> Cause:
    """What cuts any dim of `leaves` over any of `mesh_axes`."""
    cut = [
        (leaf_plan, reason)
        for leaf_plan in leaves
        for reason in leaf_plan.resolution.dims
        if reason.logical_axis and mesh_axes.intersection(reason.mesh_axes)
    ]
    return Cause(
        logical_axes=tuple(dict.fromkeys(reason.logical_axis for _, reason in cut if reason.logical_axis)),
        rules=tuple(dict.fromkeys(str(reason.rule.origin) for _, reason in cut if reason.rule)),
        leaves=tuple(dict.fromkeys(f"{leaf.leaf.kind}:{leaf.path}" for leaf, _ in cut)),
    )
