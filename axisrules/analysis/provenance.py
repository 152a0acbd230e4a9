"""The name and the source lines behind one array of a collective, where XLA kept, merged or lost them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from axisrules.analysis.flow import Flow, Value
from axisrules.analysis.frames import names_of_operands
from axisrules.analysis.hlo import SourceLine
from axisrules.analysis.launches import Launch

_SUMS = ("all-reduce", "reduce-scatter")
# How many values around a collective are asked for a name.
_NEAR = 64


@dataclass(frozen=True)
class Provenance:
    """The name stack of the operation behind an array, and its source lines, innermost first."""

    op_name: str
    stack: tuple[SourceLine, ...]


def operand_provenance(flow: Flow, launch: Launch, operand: int, operand_count: int) -> Provenance:
    """Where array `operand` of a collective comes from.

    A collective of one array keeps its own name and lines. Of a combined one, XLA keeps one operation's
    lines and a merged name: each array takes its own part of it, and the lines of the nearest operation
    of that name, which made it (for sums) or takes it (for the rest). The same where XLA lost the name;
    where nothing near has one, the loop around.
    """
    own = names_of_operands(launch.instruction.op_name)
    own_stack = flow.module.stack(launch.instruction)
    if operand_count == 1 and own and own_stack:
        return Provenance(own[0], own_stack)
    name = own[operand] if len(own) == operand_count else ""
    near = [
        Provenance(value.instruction.op_name, flow.module.stack(value.instruction))
        for value in _around(flow, launch, operand, operand_count)
        if value.instruction.op_name
    ]
    same = next((one for one in near if one.op_name == name and one.stack), None)
    if same:
        return same
    if name:
        return Provenance(name, own_stack)
    nearest = next((one for one in near if one.stack), None)
    return nearest or Provenance(own[0] if own else _loop_name(flow, launch), own_stack)


def _around(flow: Flow, launch: Launch, operand: int, operand_count: int) -> Iterator[Value]:
    """The values near an array of a collective, on the side that says more first."""
    one = launch.instruction
    made_by = launch.computation.operand(one, operand)
    inner = (operand,) if operand_count > 1 else ()
    has_places = one.opcode.endswith("-start") and one.opcode != "all-reduce-start"
    before = _walk(Value(launch.computation, made_by), flow.sources) if made_by else iter(())
    after = _walk(Value(launch.computation, one, (1, *inner) if has_places else inner), flow.targets)
    first, second = (before, after) if launch.kind in _SUMS else (after, before)
    yield from first
    yield from second


def _walk(start: Value, step: Callable[[Value], Iterator[Value]]) -> Iterator[Value]:
    seen = {start}
    front = [start]
    while front and len(seen) < _NEAR:
        value = front.pop(0)
        if value is not start or value.instruction.opcode != "parameter":
            yield value
        following = [other for other in step(value) if other not in seen]
        seen.update(following)
        front += following


def _loop_name(flow: Flow, launch: Launch) -> str:
    """The name of the innermost loop around a collective that has one."""
    for loop in reversed(launch.loops):
        for computation in flow.module.computations.values():
            instruction = computation.by_name.get(loop.name)
            if instruction and instruction.op_name:
                return instruction.op_name
    return ""
