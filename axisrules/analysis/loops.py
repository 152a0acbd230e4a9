"""How often things run: trip counts of loops, and a walk through all calls of a program with its counts."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from axisrules.analysis.hlo import CalledComputation, Computation, Instruction, Module
from axisrules.analysis.scalars import Lookup, Path, is_handed_through, scalar

_KNOWN = re.compile(r'known_trip_count"?[=:]\s*\{\s*"?n"?:\s*"?(\d+)')
# A loop that would run longer than this has no counter that the search understands.
_MOST_TRIPS = 1 << 40


@dataclass(frozen=True)
class LoopStep:
    """A loop around an instruction: the `while`'s name, and how often its body runs.

    `is_known` is False where the count could not be derived; it is taken as 1 then.
    """

    name: str
    trip_count: int
    is_known: bool = True


@dataclass(frozen=True, eq=False)
class Visit:
    """One computation as it is called from one place: `count` times a step, inside `loops`, outermost first.

    `caller` is the calling instruction, in the computation of `parent`; both are None for the entry.
    A branch of a conditional counts as taken each time, and `is_conditional` says so. `order` holds the
    places of the calls that lead to it; with an instruction's own place behind it, it sorts by schedule.
    """

    computation: Computation
    count: int = 1
    loops: tuple[LoopStep, ...] = ()
    is_conditional: bool = False
    caller: Instruction | None = None
    role: str = ""
    parent: "Visit | None" = None
    order: tuple[int, ...] = ()


_DESCENDED = {
    "fusion": ("calls",),
    "call": ("to_apply", "calls"),
    "while": ("condition", "body"),
    "conditional": ("branch",),
    "async-start": ("calls",),
}


def visits(module: Module) -> Iterator[Visit]:
    """Every computation that a step runs, from every place that calls it, in schedule order, callers first.

    Reducers, comparators and the like, which run once per element, are left out.
    """
    yield from _descend(module, Visit(module.entry))


def _descend(module: Module, visit: Visit) -> Iterator[Visit]:
    yield visit
    for place, instruction in enumerate(visit.computation.instructions):
        for number, called in enumerate(instruction.called if instruction.opcode in _DESCENDED else ()):
            if called.role in _DESCENDED[instruction.opcode] and called.name in module.computations:
                order = (*visit.order, place, number)
                yield from _descend(module, _call(module, visit, instruction, called, order))


def _call(
    module: Module, parent: Visit, caller: Instruction, called: CalledComputation, order: tuple[int, ...]
) -> Visit:
    loops, count, role = parent.loops, parent.count, called.role
    if caller.opcode == "while":
        trips = trip_count(module, caller, parent)
        loops = (*loops, LoopStep(caller.name, 1 if trips is None else trips, trips is not None))
        # The condition is asked once more than the body runs.
        count *= loops[-1].trip_count + (role == "condition")
    is_conditional = parent.is_conditional or role == "branch"
    computation = module.computations[called.name]
    return Visit(computation, count, loops, is_conditional, caller, role, parent, order)


def trip_count(module: Module, loop: Instruction, visit: Visit) -> int | None:
    """How often the body of the `while` instruction `loop` runs; None where the text does not tell.

    Read from `known_trip_count` where the compiler left it, else derived from where the counter
    starts, what the body adds to it and what the condition compares it with.
    """
    known = _KNOWN.search(loop.text)
    if known:
        return int(known[1])
    condition, body = module.called(loop, "condition"), module.called(loop, "body")
    start = visit.computation.operand(loop, 0)
    if condition is None or body is None or start is None:
        return None
    outer = _arguments(module, visit)
    first = cache(lambda path: scalar(module, visit.computation, start, path, outer))
    second = _after_a_step(module, body, first)
    return _steps_until_false(module, condition, (first, second, _after_a_step(module, body, second)))


def _after_a_step(module: Module, body: Computation, before: Lookup) -> Lookup:
    return cache(lambda path: scalar(module, body, body.root, path, [before]))


def _arguments(module: Module, visit: Visit) -> Sequence[Lookup]:
    """What is known of the parameters of a visited computation, through its caller."""
    parent, caller = visit.parent, visit.caller
    if parent is None or caller is None or caller.opcode == "conditional":
        return ()
    outer = _arguments(module, parent)

    def argument(index: int) -> Lookup:
        def look(path: Path) -> int | None:
            made_by = parent.computation.operand(caller, index)
            if made_by is None or (caller.opcode == "while" and not is_handed_through(module, caller, path)):
                return None
            return scalar(module, parent.computation, made_by, path, outer)

        return look

    return [argument(index) for index in range(len(caller.operands))]


def _steps_until_false(module: Module, condition: Computation, states: Sequence[Lookup]) -> int | None:
    """How many steps the condition allows: tried on the first states, then on the line they lie on."""
    needed: set[Path] = set()

    def goes_on(state: Lookup) -> int | None:
        def noted(path: Path) -> int | None:
            needed.add(path)
            return state(path)

        return scalar(module, condition, condition.root, (), [noted])

    first, second, third = states
    if goes_on(first) is None:
        return None
    start: dict[Path, int] = {}
    slope: dict[Path, int] = {}
    for path in sorted(needed):
        values = (first(path), second(path), third(path))
        if values[0] is None or values[1] is None or values[2] is None:
            return None
        start[path], slope[path] = values[0], values[1] - values[0]
        if values[2] - values[1] != slope[path]:
            return None

    def goes_on_after(steps: int) -> bool:
        return bool(goes_on({path: value + steps * slope[path] for path, value in start.items()}.get))

    high = 1
    while goes_on_after(high - 1):
        high *= 2
        if high > _MOST_TRIPS:
            return None
    low = high // 2
    while low < high - 1:
        middle = (low + high) // 2
        low, high = (middle, high) if goes_on_after(middle - 1) else (low, middle)
    return high - 1
