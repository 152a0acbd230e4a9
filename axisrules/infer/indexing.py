"""Primitives that pick and place by index: gathers, scatters, dynamic slices, sorts."""

from collections.abc import Sequence
from typing import Any

from axisrules.infer.pointwise import Rule
from axisrules.infer.record import FROM_COUNT, Dims, Lookup, Record


def gather(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """Batch dims come from the indices, offset dims from the table; a dim taken whole stays."""
    table, indices = ins
    places, sizes = equation.params["dimension_numbers"], equation.params["slice_sizes"]
    shape = equation.outvars[0].aval.shape
    for dim, index_dim in zip(places.operand_batching_dims, places.start_indices_batching_dims, strict=True):
        record.same(table[dim], indices[index_dim])
    gone = (*places.collapsed_slice_dims, *places.operand_batching_dims)
    kept = [dim for dim in range(len(table)) if dim not in gone]
    out = list(record.new(shape))
    _send(indices[:-1], [dim for dim in range(len(shape)) if dim not in places.offset_dims], out)
    for dim, out_dim in zip(kept, places.offset_dims, strict=True):
        is_whole = sizes[dim] == record.size(table[dim])
        out[out_dim] = record.part(table[dim], shape[out_dim], is_whole=is_whole)
    looked_into = tuple(table[dim] for dim in places.collapsed_slice_dims if dim in places.start_index_map)
    rows = tuple(table[dim] for dim in kept if sizes[dim] == record.size(table[dim]))
    if record.origins[1] == FROM_COUNT:
        _count_rows(record, looked_into, indices[:-1])
    record.lookups.append(Lookup(looked_into, rows, *record.origins[:2]))
    return [tuple(out)]


def _count_rows(record: Record, looked_into: Dims, counted: Dims) -> None:
    """A table looked up by a count of its own length is read in order."""
    for node in looked_into:
        for index in counted:
            if record.size(node) == record.size(index) != 1:
                record.weakly(node, index)


def _send(nodes: Sequence[int], places: Sequence[int], out: list[int]) -> None:
    for node, place in zip(nodes, places, strict=True):
        out[place] = node


def scatter(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """The result is the operand; the updates' window dims are its parts, the others are the indices'."""
    operand, indices, updates = ins
    places = equation.params["dimension_numbers"]
    batching = zip(places.operand_batching_dims, places.scatter_indices_batching_dims, strict=True)
    for dim, index_dim in batching:
        record.same(operand[dim], indices[index_dim])
    gone = (*places.inserted_window_dims, *places.operand_batching_dims)
    kept = [dim for dim in range(len(operand)) if dim not in gone]
    for dim, update_dim in zip(kept, places.update_window_dims, strict=True):
        _overlay(record, operand[dim], updates[update_dim])
    others = [node for dim, node in enumerate(updates) if dim not in places.update_window_dims]
    for node, index in zip(others, indices[:-1], strict=True):
        record.same(node, index)
    return [operand]


def _overlay(record: Record, whole: int, part: int) -> None:
    """A part laid onto a whole: one axis where they are of one size, weakly linked else."""
    if record.size(whole) == record.size(part):
        record.same(whole, part)
    elif 1 not in (record.size(whole), record.size(part)):
        record.weakly(whole, part)


def dynamic_slice(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """Dims taken whole stay, the others are parts."""
    operand, sizes = ins[0], equation.params["slice_sizes"]
    cut = tuple(node for node, size in zip(operand, sizes, strict=True) if size != record.size(node))
    rows = tuple(node for node, size in zip(operand, sizes, strict=True) if size == record.size(node))
    if cut:
        record.lookups.append(Lookup(cut, rows, record.origins[0], 0))
    return [
        tuple(
            record.part(node, size, is_whole=size == record.size(node))
            for node, size in zip(operand, sizes, strict=True)
        )
    ]


def dynamic_update_slice(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """The operand with a part laid onto it."""
    del equation
    operand, update = ins[:2]
    for node, part in zip(operand, update, strict=True):
        _overlay(record, node, part)
    return [operand]


def top_k(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """One dim shrinks to the picks, which are an axis of their own."""
    params = equation.params
    at = params.get("axis", params.get("reduction_dimension", -1)) % len(ins[0])
    record.ranked.append(ins[0][at])
    shape = equation.outvars[0].aval.shape
    out = (*ins[0][:at], record.axes.new(shape[at]), *ins[0][at + 1 :])
    return [out for _ in equation.outvars]


def sort(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """All operands are sorted together; their dims stay."""
    for dims in ins[1:]:
        record.same_dims(ins[0], dims)
    return list(ins[: len(equation.outvars)])


def reference(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """A mutable array, made, read or written as a whole: one axis for all time; opaque where indexed."""
    shapes = [tuple(variable.aval.shape) for variable in equation.outvars]
    if any(shape != tuple(map(record.size, ins[0])) for shape in shapes):
        raise ValueError("a part of a mutable array")
    for written in ins[1:]:
        record.same_dims(ins[0], written)
    return [ins[0] for _ in shapes]


RULES: dict[str, Rule] = {
    "gather": gather,
    **dict.fromkeys(
        ("scatter", "scatter-add", "scatter_add", "scatter-max", "scatter-min", "scatter-mul", "scatter-sub"),
        scatter,
    ),
    "dynamic_slice": dynamic_slice,
    "dynamic_update_slice": dynamic_update_slice,
    "top_k": top_k,
    "approx_top_k": top_k,
    "sort": sort,
    **dict.fromkeys(("new_ref", "get", "swap", "addupdate", "freeze"), reference),
}
