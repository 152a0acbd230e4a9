"""How data moves through a program: one step back from a value, or one step on, across all its calls."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from axisrules.analysis.hlo import Computation, Instruction, Module

_RENDEZVOUS = re.compile(r'_xla_host_transfer_rendezvous="([^"]*)"')
_COLLECTIVES = (
    "all-gather", "all-reduce", "all-to-all", "collective-broadcast", "collective-permute",
    "ragged-all-to-all", "reduce-scatter",
)  # fmt: skip
# Which operands are data, where others are places or sizes.
_DATA_OPERANDS = {
    "dynamic-slice": (0,),
    "dynamic-update-slice": (0, 1),
    "gather": (0,),
    "pad": (0,),
    "scatter": (0, 2),
    "select": (1, 2),
    "ragged-all-to-all": (0,),
}


# Opcodes that hand numbers on as they are: moved, cut, joined, rounded.
_MOVES = {
    "all-gather", "all-to-all", "async", "bitcast", "bitcast-convert", "broadcast", "call",
    "collective-broadcast", "collective-permute", "concatenate", "conditional", "convert", "copy",
    "dynamic-slice", "dynamic-update-slice", "fusion", "get-tuple-element", "optimization-barrier", "pad",
    "parameter", "ragged-all-to-all", "recv", "reduce-precision", "reshape", "reverse", "slice", "transpose",
    "tuple", "while",
}  # fmt: skip
# Custom calls that do the same.
_MOVING_TARGETS = {"AsyncCollectiveDone", "AsyncCollectiveStart", "ConcatBitcast", "Sharding", "ZeroCrop"}
PRODUCTS = {"dot", "convolution"}
# No program nests tuples deeper; a longer path is a trace gone astray, which must end.
_DEEPEST_TUPLE = 6


@dataclass(frozen=True, slots=True)
class Value:
    """What an instruction computes, or the array at `path` of the tuple that it computes."""

    computation: Computation
    instruction: Instruction
    path: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CallSite:
    """Where a computation is called: the instruction, the computation that holds it, which call of it."""

    computation: Computation
    instruction: Instruction
    index: int


@dataclass(frozen=True, eq=False)
class Flow:
    """The data flow of a module. Loops are followed round, branches of conditionals both ways."""

    module: Module

    @cached_property
    def call_sites(self) -> dict[str, tuple[CallSite, ...]]:
        """Every place that calls a computation, by the computation's name."""
        found: dict[str, tuple[CallSite, ...]] = {}
        for computation, instruction in self.module.instructions():
            for index, called in enumerate(instruction.called):
                site = CallSite(computation, instruction, index)
                found[called.name] = (*found.get(called.name, ()), site)
        return found

    @cached_property
    def transfers(self) -> dict[tuple[str, str], Value]:
        """Sends and receives between slices by opcode and rendezvous."""
        found: dict[tuple[str, str], Value] = {}
        for computation, instruction in self.module.instructions():
            if instruction.opcode in ("send", "recv") and (name := _RENDEZVOUS.search(instruction.text)):
                found[instruction.opcode, name[1]] = Value(computation, instruction)
        return found

    def sources(self, value: Value) -> Iterator[Value]:
        """The values that `value` is computed from: the data operands, or what hands it through."""
        one, path = value.instruction, value.path
        if one.opcode == "parameter":
            yield from self._arguments(value)
        elif one.opcode == "get-tuple-element":
            yield from _operand(value, 0, (int(one.attribute("index")), *path))
        elif one.opcode == "tuple" or (len(one.operands) > 1 and base_opcode(one) in _COLLECTIVES):
            yield from _chosen_operand(value)
        elif one.opcode in ("while", "fusion", "call", "conditional"):
            yield from self._results_of_calls(one, path)
            if one.opcode == "while":
                yield from _operand(value, 0, path)
        elif one.opcode == "async-start":
            yield from self._results_of_calls(one, path[1:])
        elif one.opcode == "recv":
            yield from self._sent(one)
        elif one.opcode.endswith("-done"):
            yield from _operand(value, 0, (_result_place(one), *path) if _has_places(one) else path)
        elif one.opcode in ("copy-start", "optimization-barrier"):
            yield from _operand(value, 0, path[1:] if one.opcode == "copy-start" else path)
        else:
            for index in _data_operands(one):
                yield from _operand(value, index, ())

    def targets(self, value: Value) -> Iterator[Value]:
        """The values that `value` becomes part of: its users' results, and what its callers get."""
        computation, one = value.computation, value.instruction
        if one is computation.root:
            yield from self._returned(value)
        if one.opcode == "send":
            yield from self._received(one)
        for user in computation.users.get(one.name, ()):
            for index, operand in enumerate(user.operands):
                if operand == one.name:
                    yield from self._used(value, user, index)

    def _arguments(self, value: Value) -> Iterator[Value]:
        number = int(value.instruction.literal)
        for site in self.call_sites.get(value.computation.name, ()):
            caller = Value(site.computation, site.instruction)
            if site.instruction.opcode == "while":
                yield from _operand(caller, 0, value.path)
                body = self.module.called(site.instruction, "body")
                if body:
                    yield Value(body, body.root, value.path)
            elif site.instruction.opcode == "conditional":
                yield from _operand(caller, site.index + 1, value.path)
            else:
                yield from _operand(caller, number, value.path)

    def _results_of_calls(self, one: Instruction, path: tuple[int, ...]) -> Iterator[Value]:
        for called in one.called:
            inner = self.module.computations.get(called.name)
            if inner and called.role != "condition":
                yield Value(inner, inner.root, path)

    def _sent(self, recv: Instruction) -> Iterator[Value]:
        name = _RENDEZVOUS.search(recv.text)
        send = self.transfers.get(("send", name[1])) if name else None
        if send:
            yield from _operand(send, 0, ())

    def _returned(self, value: Value) -> Iterator[Value]:
        for site in self.call_sites.get(value.computation.name, ()):
            one = site.instruction
            role = one.called[site.index].role
            if role not in ("condition", "to_apply") or one.opcode == "call":
                path = (1, *value.path) if one.opcode == "async-start" else value.path
                yield Value(site.computation, one, path)
            if role == "body":
                yield Value(value.computation, value.computation.parameters[0], value.path)

    def _used(self, value: Value, user: Instruction, index: int) -> Iterator[Value]:
        computation, path = value.computation, value.path
        if user.opcode == "get-tuple-element":
            if path[:1] in ((), (int(user.attribute("index")),)):
                yield Value(computation, user, path[1:])
        elif user.opcode == "tuple":
            yield Value(computation, user, (index, *path))
        elif user.opcode in ("while", "fusion", "call", "conditional", "async-start"):
            yield from self._handed_in(user, index, path)
        elif user.opcode.endswith("-done"):
            if not _has_places(user) or path[:1] in ((), (_result_place(user),)):
                yield Value(computation, user, path[1:] if _has_places(user) else path)
        elif base_opcode(user) in _COLLECTIVES:
            inner = (index,) if len(user.operands) > 1 else ()
            has_places = user.opcode.endswith("-start") and user.opcode != "all-reduce-start"
            yield Value(computation, user, (1, *inner) if has_places else inner)
        elif user.opcode == "copy-start":
            yield Value(computation, user, (0, *path))
        elif index in _data_operands(user):
            is_start = "AsyncCollectiveStart" in user.text
            yield Value(
                computation, user, (1,) if is_start else path if user.opcode == "optimization-barrier" else ()
            )

    def _handed_in(self, user: Instruction, index: int, path: tuple[int, ...]) -> Iterator[Value]:
        for place, called in enumerate(user.called):
            inner = self.module.computations.get(called.name)
            if inner is None or (user.opcode == "conditional" and place != index - 1):
                continue
            number = 0 if user.opcode in ("while", "conditional") else index
            if number in inner.parameters:
                yield Value(inner, inner.parameters[number], path)

    def _received(self, send: Instruction) -> Iterator[Value]:
        name = _RENDEZVOUS.search(send.text)
        received = self.transfers.get(("recv", name[1])) if name else None
        if received:
            yield Value(received.computation, received.instruction, (0,))


def base_opcode(instruction: Instruction) -> str:
    """The opcode without the `-start` of an asynchronous pair."""
    return instruction.opcode.removesuffix("-start")


def is_moved(value: Value) -> bool:
    """Whether the value is the numbers of its sources as they are: moved, cut, joined or rounded."""
    one = value.instruction
    if one.opcode == "custom-call":
        return one.attribute("custom_call_target").strip('"') in _MOVING_TARGETS
    if one.opcode in ("send", "recv"):
        return "REDUCE" not in one.text  # the other slices' numbers come back, not their sum
    return base_opcode(one).removesuffix("-done") in _MOVES


def reach(
    start: Value, step: Callable[[Value], Iterator[Value]], goes_on: Callable[[Value], bool]
) -> Iterator[Value]:
    """Every value that steps lead to from `start`, nearest first; those that do not go on end their way."""
    seen = {start}
    front = [start]
    while front:
        following: list[Value] = []
        for value in front:
            yield value
            if goes_on(value):
                new = (after for after in step(value) if len(after.path) <= _DEEPEST_TUPLE)
                following += [after for after in new if after not in seen]
                seen.update(following)
        front = list(dict.fromkeys(following))


def _operand(value: Value, index: int, path: tuple[int, ...]) -> Iterator[Value]:
    made_by = value.computation.operand(value.instruction, index)
    if made_by:
        yield Value(value.computation, made_by, path)


def _chosen_operand(value: Value) -> Iterator[Value]:
    """Of a tuple, or of a combined collective, the operand at the path; all of them without a path."""
    one, path = value.instruction, value.path
    has_places = one.opcode.endswith("-start") and one.opcode != "all-reduce-start"
    path = path[1:] if has_places else path
    for index in range(len(one.operands)) if not path else path[:1]:
        yield from _operand(value, index, path[1:])


def _data_operands(one: Instruction) -> range | tuple[int, ...]:
    if "AsyncCollectiveDone" in one.text:
        return (0, 1, 2)
    return _DATA_OPERANDS.get(one.opcode, range(len(one.operands)))


def _has_places(done: Instruction) -> bool:
    """Whether the start of a pair computes a tuple of places, one of which holds the result."""
    return done.opcode not in ("all-reduce-done", "send-done")


def _result_place(done: Instruction) -> int:
    return 0 if done.opcode in ("copy-done", "recv-done") else 1
