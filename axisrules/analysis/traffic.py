"""The bytes that one instruction moves: through the device's main memory, and through the memory on the chip.

Source of the counting: docs/pages/cost_model.md, "Bytes".
"""

from dataclasses import dataclass

from axisrules.analysis.hlo import Computation, Instruction, Module
from axisrules.analysis.shape import Shape

MAIN_MEMORY, ON_CHIP = 0, 1  # XLA's memory spaces: HBM, and VMEM on a TPU.

FREE = {
    "add-dependency",
    "after-all",
    "bitcast",
    "constant",
    "domain",
    "get-tuple-element",
    "opt-barrier",
    "parameter",
    "partition-id",
    "replica-id",
    "tuple",
}
"""Opcodes that move nothing: names for values that lie somewhere already."""

FREE_CALLS = {"AllocateBuffer", "ConcatBitcast", "SliceId"}
"""Custom calls of the TPU compiler that only name memory."""

_SLICES = {"dynamic-slice", "slice", "gather"}
# Operands that a fusion hands to a collective, or hands on as they are.
_NOT_READ = {"all-gather", "all-reduce", "all-to-all", "collective-permute", "reduce-scatter", "tuple"}
_PASS_ON = {"bitcast", "copy", "convert", "reshape", "transpose", "broadcast"}


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes read and written by one instruction, by where they lie."""

    main_bytes: int = 0
    chip_bytes: int = 0

    def __add__(self, other: "Traffic") -> "Traffic":
        return Traffic(self.main_bytes + other.main_bytes, self.chip_bytes + other.chip_bytes)


def instruction_traffic(module: Module, computation: Computation, instruction: Instruction) -> Traffic:
    """What `instruction` reads and writes, once; what it calls besides a fusion is not counted here.

    A fusion that only slices an operand reads the slice, and one that updates a slice in place reads
    and writes the slice. Everything else is read whole, and the result is written whole.
    """
    if is_free(instruction):
        return Traffic()
    if instruction.opcode == "fusion":
        return _fusion_traffic(module, computation, instruction)
    if instruction.opcode in _SLICES:
        return _traffic(instruction.shape) + _traffic(_moved_from(computation, instruction))
    if instruction.opcode == "dynamic-update-slice":
        update = computation.operand(instruction, 1)
        return _traffic(update.shape if update else instruction.shape) + _traffic(
            update.shape if update else instruction.shape
        )
    read = [computation.by_name[name].shape for name in instruction.operands if name in computation.by_name]
    return sum(map(_traffic, read), _traffic(instruction.shape))


def copy_traffic(instruction: Instruction) -> Traffic:
    """What an asynchronous copy or slice moves: its part of the source, and its destination.

    The shape of `copy-start` is (destination, source, context), that of `slice-start` ((source),
    destination, context).
    """
    first, *rest = instruction.shape.elements
    source, target = (rest[0], first) if instruction.opcode == "copy-start" else (first, rest[0])
    spaces = {array.memory_space for array in source.arrays}
    read = Traffic(target.byte_size, 0) if MAIN_MEMORY in spaces else Traffic(0, target.byte_size)
    return read + _traffic(target)


def is_free(instruction: Instruction) -> bool:
    """Whether the instruction moves and computes nothing."""
    if instruction.opcode == "custom-call":
        return instruction.attribute("custom_call_target").strip('"') in FREE_CALLS
    return instruction.opcode in FREE


def _traffic(shape: Shape) -> Traffic:
    sizes = {MAIN_MEMORY: 0, ON_CHIP: 0}
    for array in shape.arrays:
        if array.memory_space in sizes:
            sizes[array.memory_space] += array.byte_size
    return Traffic(sizes[MAIN_MEMORY], sizes[ON_CHIP])


def _moved_from(computation: Computation, instruction: Instruction) -> Shape:
    """The part of the first operand that a slice reads: as large as the result, where the operand lies."""
    source = computation.operand(instruction, 0)
    return instruction.shape if source is None else _at(source.shape, instruction.shape)


def _at(place: Shape, size: Shape) -> Shape:
    """An array of the dims of `size` and the dtype and memory of `place`."""
    return Shape(place.dtype, size.dims, memory_space=place.memory_space)


def _fusion_traffic(module: Module, computation: Computation, instruction: Instruction) -> Traffic:
    fused = module.called(instruction, "calls")
    if fused is None:
        return Traffic()
    operands = [computation.by_name.get(name) for name in instruction.operands]
    total = Traffic()
    for number, parameter in fused.parameters.items():
        outer = operands[number] if number < len(operands) else None
        if outer is not None:
            total += _read(module, fused, parameter, outer.shape)
    return total + _written(fused, instruction.shape)


def _read(module: Module, fused: Computation, parameter: Instruction, outer: Shape) -> Traffic:
    """What a fusion reads of one operand, which lies where `outer` says."""
    parts = _parts_read(module, fused, parameter)
    return (
        _traffic(outer) if parts is None else sum((_traffic(_at(outer, part)) for part in parts), Traffic())
    )


def _parts_read(module: Module, fused: Computation, parameter: Instruction) -> list[Shape] | None:
    """The slices that are read of `parameter`, or None where all of it is read."""
    parts: list[Shape] = []
    for user in fused.users.get(parameter.name, ()):
        read = _parts_used(module, fused, parameter, user)
        if read is None:
            return None
        parts += read
    return parts


def _parts_used(
    module: Module, fused: Computation, parameter: Instruction, user: Instruction
) -> list[Shape] | None:
    """The slices that one user reads of `parameter`, or None where it reads all of it."""
    is_first = user.operands[0] == parameter.name
    if user.opcode in _SLICES and is_first:
        return [user.shape]
    if user.opcode == "bitcast":
        return _parts_read(module, fused, user)
    if user.opcode == "fusion" and (called := module.called(user, "calls")):
        places = [number for number, name in enumerate(user.operands) if name == parameter.name]
        read = [_parts_read(module, called, called.parameters[number]) for number in places]
        known = [parts for parts in read if parts is not None]
        return [part for parts in known for part in parts] if len(known) == len(read) else None
    is_updated = user.opcode == "dynamic-update-slice" and is_first
    return [] if is_updated or user.opcode in _NOT_READ else None


def _written(fused: Computation, outer: Shape) -> Traffic:
    """What a fusion writes: its results, or the updated slices of those that it updates in place."""
    root = fused.root
    roots = [fused.by_name[name] for name in root.operands] if root.opcode == "tuple" else [root]
    places = outer.elements if outer.is_tuple else (outer,)
    total = Traffic()
    for made, place in zip(roots, places, strict=False):
        if made.opcode != "parameter" and made.opcode not in _NOT_READ:
            total += _traffic(_update_of(fused, made, place) or place)
    return total


def _update_of(fused: Computation, made: Instruction, place: Shape) -> Shape | None:
    """The slice that is written where `made` updates an operand of the fusion in place."""
    while made.opcode in _PASS_ON and made.operands and made.operands[0] in fused.by_name:
        made = fused.by_name[made.operands[0]]
    update = fused.operand(made, 1) if made.opcode == "dynamic-update-slice" else None
    return None if update is None else _at(place, update.shape)
