"""From a traced program to its graph of axes: the walk, ties between places, and templates of layers."""

from dataclasses import dataclass
from typing import Any

from axisrules.infer.record import FROM_DATA, FROM_PARAMS, TIE, Dims, Record
from axisrules.infer.templates import link_layers
from axisrules.infer.traced import Place, Traced
from axisrules.infer.walk import Value, walk


@dataclass(frozen=True, eq=False)
class AxisGraph:
    """Which dims of a program are one axis. Made once by `unify`; naming it changes nothing in it.

    `arrays` has the dims, nodes of `record.axes`, and the aval of every array that has a place.
    """

    record: Record
    arrays: dict[Place, tuple[Dims, Any]]


def unify(traced: Traced, *, templates: bool = True) -> AxisGraph:
    """The graph of `traced`; layers of one make are one template unless `templates` is False."""
    record = Record()
    operands = [
        _operand(record, place, shape)
        for place, shape in zip(traced.inputs, traced.jaxpr.in_avals, strict=True)
    ]
    results = walk(record, traced.jaxpr, operands)
    arrays: dict[Place, tuple[Dims, Any]] = {}
    outputs = zip(traced.outputs, results, traced.jaxpr.out_avals, strict=False)
    inputs = zip(traced.inputs, operands, traced.jaxpr.in_avals, strict=True)
    for place, value, shape in (*inputs, *outputs):
        if place is not None:
            arrays[place] = (value.dims, shape)
    for path, found in record.boundaries.items():
        arrays[Place("boundaries", path)] = found
    record.reason = TIE
    for first, second in traced.ties:
        record.same_dims(arrays[first][0], arrays[second][0])
    if templates:
        link_layers(
            record, {place.path: dims for place, (dims, _) in arrays.items() if place.kind == "params"}
        )
    return AxisGraph(record, arrays)


def _operand(record: Record, place: Place | None, shape: Any) -> Value:
    origin = FROM_PARAMS if place is not None and place.kind == "params" else FROM_DATA
    return Value(record.new(getattr(shape, "shape", ())), origin)
