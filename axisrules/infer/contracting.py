"""Primitives that multiply and add: dot products and convolutions, pooling windows."""

from collections.abc import Sequence
from typing import Any

from axisrules.infer.pointwise import Rule
from axisrules.infer.record import Dims, Dot, Record


def dot_general(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """Contracted dims agree, batch dims agree; the result has batch, left free and right free dims."""
    (left_sum, right_sum), (left_batch, right_batch) = equation.params["dimension_numbers"]
    left, right = ins
    for one, other in zip((*left_sum, *left_batch), (*right_sum, *right_batch), strict=True):
        record.same(left[one], right[other])
    batched = tuple(left[dim] for dim in left_batch)
    left_free = _without(left, (*left_sum, *left_batch))
    right_free = _without(right, (*right_sum, *right_batch))
    contracted = tuple(left[dim] for dim in left_sum)
    record.dots.append(Dot(left_free, right_free, contracted, batched, *record.origins))
    return [(*batched, *left_free, *right_free)]


def _without(dims: Dims, gone: Sequence[int]) -> Dims:
    return tuple(node for dim, node in enumerate(dims) if dim not in gone)


def convolution(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """Batch stays, features are contracted in groups, and a window slides along the rest."""
    params = equation.params
    places = params["dimension_numbers"]
    out = list(record.new(equation.outvars[0].aval.shape))
    image, kernel = ins
    batch, features, *spatial = (image[dim] for dim in places.lhs_spec)
    kernel_out, kernel_in, *window = (kernel[dim] for dim in places.rhs_spec)
    out_batch, out_features, *out_spatial = places.out_spec
    if params["batch_group_count"] == 1:
        out[out_batch] = batch
        _group_features(record, (features, kernel_in, kernel_out), params["feature_group_count"])
        out[out_features] = kernel_out
    record.windows += window
    for at, (node, slid) in enumerate(zip(spatial, window, strict=True)):
        out[out_spatial[at]] = _slide(record, params, at, (node, slid, out[out_spatial[at]]))
    return [tuple(out)]


def _group_features(record: Record, nodes: tuple[int, int, int], groups: int) -> None:
    """Input features are groups times the kernel's input, output features are groups times a multiple."""
    features, kernel_in, kernel_out = nodes
    if groups == 1:
        record.same(features, kernel_in)
        return
    group = record.axes.new(groups)
    record.axes.factor(features, (group, kernel_in), record.reason)
    multiple = record.axes.new(record.size(kernel_out) // groups)
    record.axes.factor(kernel_out, (group, multiple), record.reason)


def _slide(record: Record, params: dict[str, Any], at: int, nodes: tuple[int, int, int]) -> int:
    """The spatial dim of a result: the image's own under a window of 1, else weakly linked.

    A window larger than what it leaves is a convolution's gradient for its kernel, which slides an image
    over an image: no link.
    """
    node, slid, out = nodes
    one_by_one = record.size(slid) == 1 and params["window_strides"][at] == 1
    plain = params["lhs_dilation"][at] == 1 and tuple(params["padding"][at]) == (0, 0)
    if one_by_one and plain:
        return node
    if record.size(slid) <= record.size(out) and 1 not in (record.size(out), record.size(node)):
        record.weakly(node, out)
    return out


def window_reduction(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """Pooling: dims under a window of 1 stay, the others are weakly linked."""
    windows = equation.params["window_dimensions"]
    strides = equation.params.get("window_strides") or (1,) * len(windows)
    for dims in ins[1 : len(equation.outvars)]:
        record.same_dims(ins[0], dims)
    shape = equation.outvars[0].aval.shape
    out = tuple(
        record.part(node, size, is_whole=(window, stride, size) == (1, 1, record.size(node)))
        for node, size, window, stride in zip(ins[0], shape, windows, strides, strict=True)
    )
    return [out for _ in equation.outvars]


def window_scatter(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """The gradient of pooling: the result has the operand's dims, of which the source's are windows."""
    source, *operands = ins
    operand = operands[0]
    for node, pooled in zip(operand, source, strict=True):
        if record.size(node) == record.size(pooled):
            record.same(node, pooled)
        elif 1 not in (record.size(node), record.size(pooled)):
            record.weakly(node, pooled)
    return [operand for _ in equation.outvars]


RULES: dict[str, Rule] = {
    "dot_general": dot_general,
    "conv_general_dilated": convolution,
    **dict.fromkeys(
        ("reduce_window", "reduce_window_max", "reduce_window_min", "reduce_window_sum"), window_reduction
    ),
    "select_and_scatter_add": window_scatter,
}
