"""Whole numbers worked out from a program's text: counters, limits and steps of its loops."""

import operator
from collections.abc import Callable, Sequence

from axisrules.analysis.hlo import Computation, Instruction, Module

Path = tuple[int, ...]
# The number at a path of a (perhaps nested) tuple, or None where the text does not tell.
Lookup = Callable[[Path], int | None]

_MOVED = {"copy", "convert", "bitcast", "reshape", "copy-done", "optimization-barrier", "broadcast"}
_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "maximum": max,
    "minimum": min,
    "and": operator.and_,
    "or": operator.or_,
}
_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "LT": operator.lt,
    "LE": operator.le,
    "GT": operator.gt,
    "GE": operator.ge,
    "EQ": operator.eq,
    "NE": operator.ne,
}


def scalar(
    module: Module, computation: Computation, one: Instruction, path: Path, arguments: Sequence[Lookup]
) -> int | None:
    """The number at `path` of what `one` computes; `arguments` look into the computation's parameters.

    Follows moves, tuples, whole-number arithmetic, comparisons (1 for true), fusions, calls, and what
    a loop hands through unchanged. None for everything else.
    """

    def operand(index: int, inner: Path) -> int | None:
        made_by = computation.operand(one, index)
        return scalar(module, computation, made_by, inner, arguments) if made_by else None

    if one.opcode == "parameter":
        number = int(one.literal)
        return arguments[number](path) if number < len(arguments) else None
    if one.opcode == "constant":
        return _literal(one.literal) if not path else None
    if one.opcode == "get-tuple-element":
        return operand(0, (int(one.attribute("index")), *path))
    if one.opcode == "tuple":
        return operand(path[0], path[1:]) if path else None
    if one.opcode in _MOVED:
        return operand(0, path)
    if one.opcode == "copy-start":
        return operand(0, path[1:]) if path[:1] == (0,) or not path else None
    if one.opcode in ("fusion", "call"):
        return _called(module, one, path, lambda index: lambda inner: operand(index, inner))
    if one.opcode == "while":
        return operand(0, path) if is_handed_through(module, one, path) else None
    return _computed(one, operand(0, ()), operand(1, ())) if len(one.operands) == 2 else None


def is_handed_through(module: Module, loop: Instruction, path: Path) -> bool:
    """Whether the body of `loop` returns at `path` of its state what it got there."""
    body = module.called(loop, "body")
    if body is None or not path or body.root.opcode != "tuple":
        return False
    made_by = body.operand(body.root, path[0])
    while made_by is not None and made_by.opcode in ("copy", "bitcast"):
        made_by = body.operand(made_by, 0)
    if made_by is None or made_by.opcode != "get-tuple-element":
        return False
    source = body.operand(made_by, 0)
    is_state = source is not None and source.opcode == "parameter"
    return is_state and made_by.attribute("index") == str(path[0])


def _called(module: Module, one: Instruction, path: Path, argument: Callable[[int], Lookup]) -> int | None:
    called = module.called(one, "calls") or module.called(one, "to_apply")
    if called is None:
        return None
    return scalar(module, called, called.root, path, [argument(index) for index in range(len(one.operands))])


def _computed(one: Instruction, left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return None
    if one.opcode == "compare":
        return int(_COMPARISONS[one.attribute("direction")](left, right))
    return _ARITHMETIC[one.opcode](left, right) if one.opcode in _ARITHMETIC else None


def _literal(text: str) -> int | None:
    text = text.strip()
    if text in ("true", "false"):
        return int(text == "true")
    return int(text) if text.lstrip("-").isdigit() else None
