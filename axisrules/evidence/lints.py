"""What only a compiled program can show: findings about its collectives, its loops and its mesh."""

import math
import re
from collections.abc import Iterator

from axisrules.analysis import (
    SLOW_NETWORKS,
    Collective,
    Ledger,
    Memory,
    Module,
    SourceLine,
    StepEstimate,
    user_line,
)
from axisrules.axes import MeshAxis
from axisrules.diagnostics import Diagnostic, Origin, catalog
from axisrules.evidence.attribute import Numbering
from axisrules.evidence.layouts import LayoutCheck
from axisrules.resolve import Plan, stage_axis_of

# Below this many bytes a step a collective is bookkeeping: a loss, a norm, a counter.
SMALL_BYTES = 1 << 16
LARGE_SHARE = 0.2
# Tiles waste some of every small array; worth a word is what wastes a quarter of a large one.
PADDED_BYTES, PADDED_SHARE = 1 << 20, 0.25
PARAM = "params:"

_REMATERIALIZED = re.compile(
    r"Involuntary full rematerialization\.[^\n]*? from sharding (\{[^\n]*?\}) to (\{[^\n]*?\}) "
    r"(?:efficiently|without)[^\n]*?HLO operation:? ?(%[\w.\-]+ = [^\s{]+)(?:[^\n]*?stack_frame_id=(\d+))?"
)


def lint_layouts(checks: tuple[LayoutCheck, ...]) -> Iterator[Diagnostic]:
    """AXR711 for every array that XLA laid out unlike the plan."""
    for check in checks:
        if check.is_as_planned is False:
            why = f"as {check.place} XLA has it {check.chosen}, and the plan says {check.leaf_plan.spec}"
            origin = _line_origin(check.leaf_plan.path) if check.place == "activation" else None
            yield catalog.LAYOUT_UNLIKE_PLAN.at(origin, subject=check.name, why=why)


def lint_rematerializations(log: str, partitioned: Module) -> Iterator[Diagnostic]:
    """AXR710 for every array that XLA says it replicates whole to lay it out anew, at the model's line."""
    seen = set()
    for before, after, operation, frame in _REMATERIALIZED.findall(log):
        stack = partitioned.stacks.get(int(frame or 0), ())
        line = user_line(stack)
        if (line, before, after) in seen:
            continue
        seen.add((line, before, after))
        why = f"XLA knows no way from {before} to {after} but to give every device all of it"
        fix = "constrain the array in between, or give both ends layouts that differ in one mesh axis"
        yield catalog.REMATERIALIZED.at(_origin(line), subject=operation, why=why, fix=fix)


def lint_unasked(ledger: Ledger) -> Iterator[Diagnostic]:
    """AXR712 for data that is moved between layouts though no rule asks for it."""
    moved = ledger.only(where=lambda one: not one.rules and one.total_bytes >= SMALL_BYTES)
    for (line, kind, axes), group in moved.group_by("source", "kind", "mesh_axes").items():
        first = next(iter(group))
        why = f"{group.count} {kind} over {axes or 'no mesh axis'}, {group.total_bytes:,} bytes a step"
        fix = "name the array at this line: axisrules.constrain(x, ...), or split fused dims apart"
        yield catalog.UNASKED_RESHARD.at(_origin(first.source), subject=_where(first, line), why=why, fix=fix)


def lint_gradients(ledger: Ledger, plan: Plan) -> Iterator[Diagnostic]:
    """AXR713 for gradients that are summed whole where each device keeps only its shard."""
    for one in ledger.only(kind="all-reduce", direction="backward"):
        cut = {path: dims for path in _paths(one) if (dims := _dims_cut(plan, path, one.mesh_axes))}
        if not cut or one.total_bytes < SMALL_BYTES:
            continue
        first, (axis, dim) = next(iter(cut.items()))
        last = len(plan.by_path["gradients", first].leaf.shape) - 1
        place = "its minor-most dim" if dim == last else f"its dim {dim}"
        why = (
            f"`{axis}` cuts {place}, and XLA all-reduces {one.total_bytes:,} bytes where a reduce-scatter"
            f" would do: {one.total_wire_bytes // 2:,} more bytes sent by every device"
        )
        fix = f"let `{axis}` cut another dim of it, one that is not minor-most"
        more = f", and {len(cut) - 1} more" if len(cut) > 1 else ""
        yield catalog.GRADIENT_ALL_REDUCED.at(_origin(one.source), subject=first + more, why=why, fix=fix)


def lint_slow_network(ledger: Ledger) -> Iterator[Diagnostic]:
    """AXR714 for activations and parameters that wait for the network between slices or nodes."""
    crossing = ledger.only(
        where=lambda one: (
            one.network in SLOW_NETWORKS and one.direction == "forward" and one.total_bytes >= SMALL_BYTES
        )
    )
    for (axes, logical), group in crossing.group_by("mesh_axes", "logical_axes").items():
        first = next(iter(group))
        why = (
            f"{group.count} collectives over {axes} for `{logical}` send {group.wire_bytes:,} bytes a step"
            f" over {first.network}"
        )
        fix = "let the data-parallel mesh axis cross slices, and keep this one within: slices:data=2"
        yield catalog.CROSSES_SLOW_NETWORK.at(_rule_origin(first), subject=axes, why=why, fix=fix)


def lint_loops(ledger: Ledger, plan: Plan) -> Iterator[Diagnostic]:
    """AXR715 for parameters that a loop gathers whole in every round; of a stacked one it gathers slices."""
    for one in ledger.only(kind="all-gather", where=lambda one: bool(one.loops)):
        for path in _paths(one):
            leaf_plan = plan.by_path["params", path]
            ways = math.prod(plan.mesh.shape[axis] for axis in one.mesh_axes)
            is_whole = math.prod(one.shape) == math.prod(leaf_plan.local_shape) * ways
            rounds = one.loops[-1].trip_count
            if is_whole and rounds > 1 and one.total_bytes >= SMALL_BYTES:
                why = f"it gathers the same {one.payload_bytes:,} bytes in each of {rounds} rounds of a loop"
                fix = "use it outside of the loop and hand the result in, or let no rule cut it"
                yield catalog.COLLECTIVE_IN_LOOP.at(_origin(one.source), subject=path, why=why, fix=fix)


def lint_padding(memory: Memory, numbering: Numbering) -> Iterator[Diagnostic]:
    """AXR716 for arguments that take much more memory than their elements: XLA pads them to whole tiles."""
    for one in memory.main:
        leaf_plan = numbering.argument(one.parameter) if one.parameter >= 0 else None
        if leaf_plan is None:
            continue
        extra = one.byte_size - leaf_plan.bytes_per_device
        if extra > PADDED_BYTES and extra > PADDED_SHARE * leaf_plan.bytes_per_device:
            shape = "x".join(map(str, leaf_plan.local_shape))
            why = f"{leaf_plan.bytes_per_device:,} bytes of {shape} take {one.byte_size:,} on each device"
            fix = "cut another dim: the last two should stay multiples of 8 and 128 on every device"
            subject = f"{leaf_plan.leaf.kind}:{leaf_plan.path}"
            yield catalog.PADDED_ARRAY.at(subject=subject, why=why, fix=fix)


def lint_idle_axes(plan: Plan) -> Iterator[Diagnostic]:
    """AXR717 for mesh axes that cut no array and no row of layers: their devices all do the same work."""
    used: set[MeshAxis | None] = {axis for leaf in plan.leaves for axes in leaf.spec for axis in axes}
    used |= {stage_axis_of(plan.rules)} if plan.rules.pipeline.schedule else set()
    for axis, size in plan.mesh.sizes:
        if size > 1 and axis not in used:
            why = f"no array of the program is cut over `{axis}`, so {size} devices compute each thing alike"
            fix = f"map a logical axis to `{axis}`, or give its devices to another mesh axis"
            yield catalog.IDLE_MESH_AXIS.at(subject=f"{axis}={size}", why=why, fix=fix)


def lint_share(estimate: StepEstimate) -> Iterator[Diagnostic]:
    """AXR718 where a device waits for others in more than a fifth of the step."""
    share = estimate.communication_share
    if share > LARGE_SHARE:
        why = f"{share:.0%} of the estimated step is communication that no computation hides"
        fix = "compare other layouts with `axisrules bench`; `axisrules ledger` shows what is sent, and why"
        yield catalog.MUCH_COMMUNICATION.at(why=why, fix=fix)


def _paths(one: Collective) -> list[str]:
    """The parameters that a collective moves or whose gradient it sums up."""
    return [leaf.removeprefix(PARAM) for leaf in one.leaves if leaf.startswith(PARAM)]


def _dims_cut(plan: Plan, path: str, mesh_axes: tuple[MeshAxis, ...]) -> tuple[MeshAxis, int] | None:
    """The first of `mesh_axes` that cuts the gradient of a parameter, and the dim that it cuts."""
    leaf_plan = plan.by_path.get(("gradients", path))
    for reason in leaf_plan.resolution.dims if leaf_plan else ():
        for axis in reason.mesh_axes:
            if axis in mesh_axes:
                return axis, reason.dim
    return None


def _where(one: Collective, line: str) -> str:
    return one.module_path or line or one.instruction


def _origin(line: SourceLine | None) -> Origin | None:
    return Origin(line.file, line.line) if line else None


def _line_origin(path: str) -> Origin:
    file, _, number = path.partition("#")[0].rpartition(":")
    return Origin(file, int(number) if number.isdigit() else 0)


def _rule_origin(one: Collective) -> Origin | None:
    return _line_origin(one.rules[0]) if one.rules else None
