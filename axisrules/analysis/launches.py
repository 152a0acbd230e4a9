"""The collectives of a program, each found once: asynchronous and fused ones, and those between slices."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from axisrules.analysis.flow import PRODUCTS, Flow, Value, base_opcode, is_moved, reach
from axisrules.analysis.hlo import Computation, Instruction, Module
from axisrules.analysis.ledger import Kind
from axisrules.analysis.loops import LoopStep, Visit, visits
from axisrules.analysis.shape import Shape

_KINDS: dict[str, Kind] = {
    "all-gather": "all-gather",
    "all-reduce": "all-reduce",
    "all-to-all": "all-to-all",
    "collective-broadcast": "broadcast",
    "collective-permute": "collective-permute",
    "ragged-all-to-all": "ragged-all-to-all",
    "reduce-scatter": "reduce-scatter",
}
# What the TPU compiler sends to other slices through their hosts says which collective it is part of.
_TRANSFERS: dict[str, Kind] = {
    "ALL_GATHER": "all-gather",
    "ALL_REDUCE": "all-reduce",
    "ALL_TO_ALL": "all-to-all",
    "COLLECTIVE_PERMUTE": "collective-permute",
    "ONE_TO_ONE": "collective-permute",
    "REDUCE_SCATTER": "reduce-scatter",
}
_TRANSFER = re.compile(r'_xla_megascale_transfer_type="(\w+)"')
_CHAIN = re.compile(r'chain_id="(\d+)"')
# How the GPU compiler marks a start that waits for its own end.
_SYNC = '"is_sync":true'
_WINDOWED = re.compile(r"windowed_dot_general_body_(ag|rs)")
_REPLACED = {"ag": "all-gather", "rs": "reduce-scatter"}
# How far from a windowed loop the permutes before and after it are looked for.
_NEAR = 200


@dataclass(frozen=True)
class Launch:
    """One collective instruction: where it stands, how often it runs, and what it is.

    `handle` is the instruction, in the computation `home`, that starts it: itself, or the `async-start`
    that wraps it, which some texts write as one instruction.
    """

    kind: Kind
    computation: Computation
    instruction: Instruction
    home: Computation
    handle: Instruction
    count: int
    loops: tuple[LoopStep, ...]
    is_conditional: bool
    is_async: bool
    crosses_slices: bool = False

    @property
    def operands(self) -> tuple[Shape, ...]:
        """The arrays it takes, as far as they are data."""
        shapes = (self.computation.by_name[name].shape for name in self.instruction.operands)
        data = tuple(array for shape in shapes for array in shape.arrays)
        return data[:1] if self.kind == "ragged-all-to-all" or self.crosses_slices else data

    @property
    def results(self) -> tuple[Shape, ...]:
        """The arrays it makes, in the order of its operands."""
        arrays = self.instruction.shape.arrays
        opcode, count = self.instruction.opcode, len(self.operands)
        starts = opcode.endswith("-start") and opcode != "all-reduce-start"
        return arrays[count : 2 * count] if starts else arrays[:count]


def find_launches(module: Module) -> tuple[Launch, ...]:
    """Every collective of a step in schedule order.

    An asynchronous collective that a chain of fusions carries counts once, where it starts; a send and
    a receive between slices count as the collective they are part of.
    """
    found: dict[tuple[str, str], Launch] = {}
    chains: set[tuple[str, str]] = set()
    for launch in _all_launches(module):
        chain = _CHAIN.search(launch.instruction.text)
        key = (launch.home.name, launch.handle.name)
        if key in found:
            found[key] = _run_again(found[key], launch)
        elif not chain or (chain[1], launch.kind) not in chains:
            found[key] = launch
            chains |= {(chain[1], launch.kind)} if chain else set()
    return tuple(found.values())


def replaced_kinds(flow: Flow, launches: tuple[Launch, ...]) -> Iterator[str]:
    """For every launch the collective that windowed permutes stand for; empty for others.

    The compiler turns a product and the collective beside it into a loop of part products and permutes
    (windowed einsum), and may unroll the loop. The permutes in its body count, those that move its data
    right before or after it, and without a loop those that carry the product's own name.
    """
    for launch in launches:
        if launch.kind != "collective-permute":
            yield ""
            continue
        inside = _WINDOWED.search(launch.computation.name)
        yield _REPLACED[inside[1]] if inside else _near_a_window(flow, launch) or _unrolled(flow, launch)


def _all_launches(module: Module) -> list[Launch]:
    """Every collective instruction that a step comes by, in schedule order."""
    placed: list[tuple[tuple[int, ...], Launch]] = []
    for visit in visits(module):
        for place, instruction in enumerate(visit.computation.instructions):
            launch = _launch(visit, instruction)
            if launch:
                placed.append(((*visit.order, place), launch))
    return [launch for _, launch in sorted(placed, key=lambda one: one[0])]


def _launch(visit: Visit, instruction: Instruction) -> Launch | None:
    opcode = base_opcode(instruction)
    kind = _KINDS.get(opcode)
    transfer = _TRANSFER.search(instruction.text) if opcode == "send" else None
    if transfer:
        kind = _TRANSFERS.get(transfer[1], "send")
    if kind is None:
        return None
    if kind == "all-reduce" and visit.computation.name.startswith("all-reduce-scatter"):
        kind = "reduce-scatter"
    home, handle = visit.computation, instruction
    if visit.parent and visit.caller and visit.caller.opcode == "async-start":
        home, handle = visit.parent.computation, visit.caller
    is_split = handle.opcode.endswith("-start") and _SYNC not in handle.text
    return Launch(
        kind=kind,
        computation=visit.computation,
        instruction=instruction,
        home=home,
        handle=handle,
        count=visit.count,
        loops=visit.loops,
        is_conditional=visit.is_conditional,
        is_async=is_split or transfer is not None or "chain_id=" in instruction.text,
        crosses_slices=transfer is not None,
    )


def _run_again(first: Launch, other: Launch) -> Launch:
    """The launch of a computation that is called from several places."""
    is_conditional = first.is_conditional and other.is_conditional
    return replace(first, count=first.count + other.count, is_conditional=is_conditional)


def _near_a_window(flow: Flow, launch: Launch) -> str:
    for step in (flow.targets, flow.sources):
        for value in _surroundings(launch, step):
            if inside := _WINDOWED.search(value.computation.name):
                return _REPLACED[inside[1]]
    return ""


def _unrolled(flow: Flow, launch: Launch) -> str:
    """Permutes of an unrolled loop move what a product takes (a gather), or sums that go on growing."""
    if not launch.instruction.op_name.endswith("/dot_general"):
        return ""
    moved_on = reach(Value(launch.computation, launch.instruction), flow.targets, is_moved)
    is_taken = any(value.instruction.opcode in PRODUCTS for value in moved_on)
    return "all-gather" if is_taken else "reduce-scatter"


def _surroundings(launch: Launch, step: Callable[[Value], Iterator[Value]]) -> Iterator[Value]:
    """The values near a launch in one direction, the products at its border included."""
    front, seen = [Value(launch.computation, launch.instruction)], set[Value]()
    while front and len(seen) < _NEAR:
        value = front.pop(0)
        yield value
        new = [other for other in step(value) if other not in seen]
        seen.update(new)
        front += new if value.instruction.opcode not in PRODUCTS else []
