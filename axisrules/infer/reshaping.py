"""Primitives that move, merge, split, cut and join dims."""

from collections.abc import Sequence
from typing import Any

from axisrules.infer.axis_union import aligned_groups, common_refinement
from axisrules.infer.pointwise import Rule
from axisrules.infer.record import Dims, Record, WeakKind


def reshape(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """Runs of dims of equal product are one another's factors, major first."""
    sizes = [int(size) for size in equation.params["new_sizes"]]
    order = equation.params.get("dimensions")
    operand = ins[0] if order is None else tuple(ins[0][dim] for dim in order)
    return [regrouped(record, operand, sizes)]


def regrouped(record: Record, operand: Dims, sizes: Sequence[int]) -> Dims:
    """The dims of `operand` after a reshape to `sizes`."""
    if 0 in sizes:
        return record.new(sizes)
    wide = [node for node in operand if record.size(node) != 1]
    wide_sizes = [size for size in sizes if size != 1]
    out: list[int] = []
    for left, right in aligned_groups([record.size(node) for node in wide], wide_sizes):
        out += _group(record, wide[left], wide_sizes[right])
    spread = iter(out)
    ones = _matching_ones(record, operand, sizes)
    return tuple(
        next(spread) if size != 1 else ones.get(dim, -1) if dim in ones else record.axes.new(1)
        for dim, size in enumerate(sizes)
    )


def _group(record: Record, nodes: list[int], sizes: list[int]) -> Sequence[int]:
    """Nodes of `sizes` whose product is that of `nodes`."""
    if len(nodes) == 1:
        return nodes if len(sizes) == 1 else record.axes.split(nodes[0], sizes, record.reason)
    if len(sizes) == 1:
        return [record.axes.product(nodes, record.reason)]
    pieces = common_refinement([record.size(node) for node in nodes], sizes)
    if not pieces:
        return record.new(sizes)
    shared = record.new(pieces)
    for node, run in zip(nodes, _runs(shared, record, [record.size(node) for node in nodes]), strict=True):
        record.axes.factor(node, run, record.reason)
    return [record.axes.product(run, record.reason) for run in _runs(shared, record, sizes)]


def _runs(pieces: Dims, record: Record, sizes: Sequence[int]) -> list[Dims]:
    """`pieces` cut into runs whose products are `sizes`."""
    runs, at = [], 0
    for size in sizes:
        start, product = at, 1
        while product < size:
            product *= record.size(pieces[at])
            at += 1
        runs.append(pieces[start:at])
    return runs


def _matching_ones(record: Record, operand: Dims, sizes: Sequence[int]) -> dict[int, int]:
    """Dims of size 1 of the result, by the operand's they are: those at the same place among equal sizes."""
    if tuple(record.size(node) for node in operand) != tuple(sizes):
        return {}
    return {dim: operand[dim] for dim, size in enumerate(sizes) if size == 1}


def transpose(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """The operand's dims in another order."""
    del record
    return [tuple(ins[0][dim] for dim in equation.params["permutation"])]


def squeeze(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """The operand's dims without some of size 1."""
    del record
    dropped = equation.params["dimensions"]
    return [tuple(node for dim, node in enumerate(ins[0]) if dim not in dropped)]


def reverse(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """The operand's dims."""
    del record, equation
    return [ins[0]]


def concatenate(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """All dims agree but the joined one, of which the operands hold parts."""
    joined, shape = equation.params["dimension"], equation.outvars[0].aval.shape
    if len(ins) == 1:
        return [ins[0]]
    for dims in ins[1:]:
        for dim, node in enumerate(dims):
            if dim != joined:
                record.same(ins[0][dim], node)
    whole = record.axes.new(shape[joined])
    kind = _kind_of_parts([record.size(dims[joined]) for dims in ins])
    for dims in ins:
        if record.size(dims[joined]) > 1:
            record.weakly(whole, dims[joined], kind)
    return [(*ins[0][:joined], whole, *ins[0][joined + 1 :])]


def split(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """All dims stay but the one that is cut into parts."""
    cut, sizes = equation.params["axis"], equation.params["sizes"]
    before, whole, after = ins[0][:cut], ins[0][cut], ins[0][cut + 1 :]
    kind = _kind_of_parts(sizes)
    return [
        (*before, record.part(whole, size, is_whole=size == record.size(whole), kind=kind), *after)
        for size in sizes
    ]


def _kind_of_parts(sizes: Sequence[int]) -> WeakKind:
    """Equal parts make a whole a multiple of each."""
    return "multiple" if len(set(sizes)) == 1 else "part"


def cut_or_pad(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """A slice or a pad: dims of which all is kept and nothing added stay, the others are parts."""
    shape = equation.outvars[0].aval.shape
    kept = (_is_kept_by_slice if equation.primitive.name == "slice" else _is_kept_by_pad)(
        equation.params, shape
    )
    return [
        tuple(
            record.part(node, size, is_whole=is_kept and size == record.size(node))
            for node, size, is_kept in zip(ins[0], shape, kept, strict=True)
        )
    ]


def _is_kept_by_slice(params: dict[str, Any], shape: Sequence[int]) -> list[bool]:
    strides = params["strides"] or (1,) * len(shape)
    return [
        start == 0 and stride == 1 for start, stride in zip(params["start_indices"], strides, strict=True)
    ]


def _is_kept_by_pad(params: dict[str, Any], shape: Sequence[int]) -> list[bool]:
    del shape
    return [tuple(padding) == (0, 0, 0) for padding in params["padding_config"]]


def stack(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """The operands side by side along a new dim."""
    for dims in ins[1:]:
        record.same_dims(ins[0], dims)
    at = equation.params["axis"]
    return [(*ins[0][:at], record.axes.new(len(ins)), *ins[0][at:])]


def unstack(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """The operand's slices along one dim, which is gone."""
    del record
    at = equation.params["axis"]
    return [(*ins[0][:at], *ins[0][at + 1 :]) for _ in equation.outvars]


def tile(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """Repeated dims are products of the number of copies and the operand's dim."""
    copies = equation.params["reps"]
    added = len(copies) - len(ins[0])
    dims = record.new((1,) * added) + ins[0]
    return [
        tuple(
            node if times == 1 else record.axes.product((record.axes.new(times), node), record.reason)
            for node, times in zip(dims, copies, strict=True)
        )
    ]


RULES: dict[str, Rule] = {
    "reshape": reshape,
    "transpose": transpose,
    "squeeze": squeeze,
    "rev": reverse,
    "concatenate": concatenate,
    "split": split,
    "slice": cut_or_pad,
    "pad": cut_or_pad,
    "stack": stack,
    "unstack": unstack,
    "tile": tile,
}
