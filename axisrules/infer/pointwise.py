"""Primitives that leave dims where they are: elementwise ones, reductions, broadcasts, and mere copies."""

from collections.abc import Callable, Sequence
from typing import Any

from axisrules.infer.record import FROM_COUNT, FROM_DATA, Dims, Record
from axisrules.infer.traced import BOUNDARY_MARK

Rule = Callable[[Record, Any, list[Dims]], list[Dims]]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ELEMENTWISE = _words("""
    abs acos acosh add add_any and asin asinh atan atan2 atanh bessel_i0e bessel_i1e bitcast_convert_type cbrt
    ceil clamp clz complex conj convert_element_type copy copy_p cos cosh cumlogsumexp cummax cummin cumprod
    cumsum digamma div eq eq_to erf erf_inv erfc exp exp2 expm1 floor ge gt igamma igamma_grad_a igammac imag
    integer_pow is_finite layout_constraint le le_to lgamma log log1p log2 logistic lt lt_to max mesh_cast min
    mul ne neg nextafter not one_minus_square or polygamma polynomial population_count pow pvary random_gamma
    real reduce_precision regularized_incomplete_beta rem reshard round rsqrt select_n sharding_constraint
    shift_left shift_right_arithmetic shift_right_logical sign sin sinh sqrt square stop_gradient sub tan tanh
    xor zeta
""")
COPIES = _words("device_put optimization_barrier threefry2x32")
# Arrays out of nothing: their dims belong to what they meet.
SOURCES = _words("""
    after_all axis_index create_token empty empty2 iota random_bits random_clone random_fold_in random_seed
    random_split random_unwrap random_wrap rng_bit_generator rng_uniform
""")
REDUCTIONS = _words("""
    argmax argmin reduce reduce_and reduce_max reduce_min reduce_or reduce_prod reduce_sum reduce_xor
""")


def elementwise(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """All operands of the result's rank agree dim by dim; a dim of size 1 broadcasts, and says nothing."""
    return [_joined(record, var.aval.shape, ins) for var in equation.outvars]


def equality(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """Elementwise; data compared with a count make a one-hot."""
    out = elementwise(record, equation, ins)
    if FROM_COUNT in record.origins and FROM_DATA in [origin & ~FROM_COUNT for origin in record.origins]:
        record.compared += out[0]
    return out


def _joined(record: Record, shape: Sequence[int], ins: Sequence[Dims]) -> Dims:
    rank = len(shape)
    full = [dims for dims in ins if len(dims) == rank]
    if len(full) == 1 and all(map(lambda node, size: record.size(node) == size, full[0], shape)):
        return full[0]
    return tuple([_joined_dim(record, size, [dims[dim] for dims in full]) for dim, size in enumerate(shape)])


def _joined_dim(record: Record, size: int, nodes: Sequence[int]) -> int:
    fitting = [node for node in nodes if record.size(node) == size]
    if not fitting:
        return record.axes.new(size)
    for node in fitting[1:]:
        # Ones meet by broadcasting as often as by meaning the same.
        if size == 1:
            record.weakly(fitting[0], node, "unit")
        else:
            record.same(fitting[0], node)
    return fitting[0]


def copy_each(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """Each result is the operand at its place."""
    shapes = [getattr(var.aval, "shape", ()) for var in equation.outvars]
    return [
        ins[at] if at < len(ins) and _sizes(record, ins[at]) == tuple(shape) else record.new(shape)
        for at, shape in enumerate(shapes)
    ]


def source(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """Dims that belong to nothing yet."""
    del ins
    return [record.new(getattr(var.aval, "shape", ())) for var in equation.outvars]


def reduction(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """The dims that are not reduced; several operands are reduced together."""
    reduced = equation.params.get("axes", equation.params.get("dimensions"))
    operands = ins[: len(equation.outvars)]
    for dims in operands[1:]:
        record.same_dims(operands[0], dims)
    kept = tuple(node for dim, node in enumerate(ins[0]) if dim not in reduced)
    return [kept for _ in equation.outvars]


def broadcast_in_dim(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """Dims go where `broadcast_dimensions` sends them; widened and added ones are new."""
    shape, places = equation.params["shape"], equation.params["broadcast_dimensions"]
    sent = dict(zip(places, ins[0], strict=True))
    return [
        tuple(
            node
            if (node := sent.get(dim)) is not None and record.size(node) == size
            else record.axes.new(size)
            for dim, size in enumerate(shape)
        )
    ]


def boundary(record: Record, equation: Any, ins: list[Dims]) -> list[Dims]:
    """The identity; a name with the mark makes the array a boundary."""
    name = equation.params["name"]
    if name.startswith(BOUNDARY_MARK):
        known, _ = record.boundaries.setdefault(
            name.removeprefix(BOUNDARY_MARK), (ins[0], equation.outvars[0].aval)
        )
        record.same_dims(known, ins[0])
    return [ins[0]]


def _sizes(record: Record, dims: Dims) -> tuple[int, ...]:
    return tuple([record.size(node) for node in dims])


RULES: dict[str, Rule] = {
    **dict.fromkeys(ELEMENTWISE, elementwise),
    **dict.fromkeys(COPIES, copy_each),
    **dict.fromkeys(SOURCES, source),
    **dict.fromkeys(REDUCTIONS, reduction),
    "eq": equality,
    "broadcast_in_dim": broadcast_in_dim,
    "name": boundary,
}
