"""Walks a jaxpr, calls and loops included, and lets a rule speak for every primitive."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
from jax.extend.core import Literal

from axisrules.infer import contracting, indexing, pointwise, reshaping
from axisrules.infer.pointwise import Rule
from axisrules.infer.record import FROM_COUNT, FROM_PARAMS, NO_REASON, Dims, Reason, Record
from axisrules.infer.versions import bodies, constants_of, has_side_effect, opened, scan_parts

RULES: dict[str, Rule] = {**pointwise.RULES, **reshaping.RULES, **contracting.RULES, **indexing.RULES}
# A primitive may change its parameters from one version of JAX to the next; it is opaque then, and told.
MISREAD = (AttributeError, IndexError, KeyError, TypeError, ValueError)
# Inside these an array is a device's or a program's own part of it.
NEVER_ENTERED = ("shard_map", "pallas_call")
COUNTING = ("iota", "cumsum")
MAX_COUNTED = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """An array on the walk: a node per dim, and what it is computed from."""

    dims: Dims
    origin: int = 0


Values = list[Value]
Flow = Callable[[Record, Any, Values, int], Values]


def walk(record: Record, jaxpr: Any, operands: Sequence[Value], inside: int = NO_REASON) -> Values:
    """The results of `jaxpr` on `operands`; everything that its equations say goes into `record`."""
    constants = constants_of(jaxpr)
    jaxpr = opened(jaxpr)
    env: dict[Any, Value] = dict(zip(jaxpr.invars, operands, strict=True))
    for variable, constant in zip_longest(jaxpr.constvars, constants):
        env[variable] = Value(record.new(_shape(variable)), FROM_COUNT if _counts(constant) else 0)
    for equation in jaxpr.eqns:
        values = [_read(record, env, atom) for atom in equation.invars]
        env.update(zip(equation.outvars, _step(record, equation, values, inside), strict=True))
    return [_read(record, env, atom) for atom in jaxpr.outvars]


def _counts(constant: Any) -> bool:
    """Whether a constant is a list of different integers, as positions are."""
    if not hasattr(constant, "dtype") or constant.dtype.kind not in "iu" or constant.size > MAX_COUNTED:
        return False
    return bool(np.ptp(np.asarray(constant)) > 0) if constant.size else False


def _read(record: Record, env: dict[Any, Value], atom: Any) -> Value:
    return Value(record.new(_shape(atom))) if isinstance(atom, Literal) else env[atom]


def _shape(variable: Any) -> tuple[int, ...]:
    return getattr(variable.aval, "shape", ())


def _step(record: Record, equation: Any, values: Values, inside: int) -> Values:
    record.reasons.append(Reason(equation, inside))
    record.reason = reason = len(record.reasons) - 1
    name = equation.primitive.name
    rule = RULES.get(name)
    if rule is None:
        return FLOWS.get(name, _call)(record, equation, values, reason)
    record.origins = tuple([value.origin for value in values])
    origin = _any_origin(values) | (FROM_COUNT if name in COUNTING else 0)
    try:
        results = rule(record, equation, [value.dims for value in values])
    except MISREAD:
        return _opaque(record, equation, values, reason)
    if not _have_shapes(record, results, equation.outvars):
        return _opaque(record, equation, values, reason)
    return [Value(dims, origin) for dims in results]


def _have_shapes(record: Record, results: Sequence[Dims], variables: Sequence[Any]) -> bool:
    sizes = record.axes.sizes
    return len(results) == len(variables) and all(
        [sizes[node] for node in dims] == list(_shape(variable))
        for dims, variable in zip(results, variables, strict=True)
    )


def _opaque(record: Record, equation: Any, values: Values, reason: int) -> Values:
    """Results that have nothing to do with the operands, noted as such where they have dims or effects."""
    if any(map(_shape, equation.outvars)) or has_side_effect(equation):
        record.opaque.append(reason)
    origin = _any_origin(values)
    return [Value(record.new(_shape(variable)), origin) for variable in equation.outvars]


def _call(record: Record, equation: Any, values: Values, reason: int) -> Values:
    """A primitive without a rule: walked into if it has one body with its own shapes, else opaque."""
    for _, body in () if equation.primitive.name in NEVER_ENTERED else bodies(equation):
        if _same_shapes(body.invars, equation.invars) and _same_shapes(body.outvars, equation.outvars):
            return walk(record, body, values, reason)
    return _opaque(record, equation, values, reason)


def _same_shapes(inner: Sequence[Any], outer: Sequence[Any]) -> bool:
    return [_shape(variable) for variable in inner] == [_shape(variable) for variable in outer]


def _any_origin(values: Sequence[Value]) -> int:
    origin = 0
    for value in values:
        origin |= value.origin
    return origin


def _scan(record: Record, equation: Any, values: Values, reason: int) -> Values:
    """The carry keeps its dims; what is scanned over and stacked up shares one leading dim."""
    body, constants, carried = scan_parts(equation)
    split = constants + carried
    origin = _any_origin(values)
    carry = [Value(value.dims, origin) for value in values[constants:split]]
    scanned = values[split:]
    steps = scanned[0].dims[0] if scanned else record.axes.new(int(equation.params["length"]))
    for value in scanned:
        record.same(steps, value.dims[0])
        if value.origin == FROM_PARAMS:
            record.stacked.append(steps)
    slices = [Value(value.dims[1:], value.origin) for value in scanned]
    results = walk(record, body, [*values[:constants], *carry, *slices], reason)
    record.reason = reason
    _tie(record, carry, results[:carried])
    stacked = [Value((steps, *value.dims), value.origin) for value in results[carried:]]
    return [*results[:carried], *stacked]


def _tie(record: Record, first: Sequence[Value], second: Sequence[Value]) -> None:
    for one, other in zip(first, second, strict=True):
        record.same_dims(one.dims, other.dims)


def _while(record: Record, equation: Any, values: Values, reason: int) -> Values:
    """The carry keeps its dims through condition and body."""
    condition, body = (opened(equation.params[name]) for name in ("cond_jaxpr", "body_jaxpr"))
    condition_consts, body_consts = equation.params["cond_nconsts"], equation.params["body_nconsts"]
    start = condition_consts + body_consts
    origin = _any_origin(values)
    carry = [Value(value.dims, origin) for value in values[start:]]
    walk(record, condition, [*values[:condition_consts], *carry], reason)
    results = walk(record, body, [*values[condition_consts:start], *carry], reason)
    record.reason = reason
    _tie(record, carry, results)
    return carry


def _cond(record: Record, equation: Any, values: Values, reason: int) -> Values:
    """All branches give results with the same dims."""
    results = [walk(record, opened(branch), values[1:], reason) for branch in equation.params["branches"]]
    record.reason = reason
    for other in results[1:]:
        _tie(record, results[0], other)
    origins = [_any_origin(branches) for branches in zip(*results, strict=True)]
    return [Value(value.dims, origin) for value, origin in zip(results[0], origins, strict=True)]


FLOWS: dict[str, Flow] = {"scan": _scan, "while": _while, "cond": _cond}
