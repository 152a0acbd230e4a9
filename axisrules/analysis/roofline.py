"""How long one device works on one instruction: the compiler's cycles where it gives them, else a roofline.

Source of the model: docs/pages/cost_model.md, "Work on one device".
"""

import re
from dataclasses import dataclass

from axisrules.analysis.flops import instruction_flops
from axisrules.analysis.hlo import Computation, Instruction, Module
from axisrules.analysis.replay import Work
from axisrules.analysis.shape import bits_of
from axisrules.analysis.traffic import FREE, instruction_traffic, is_free

COMPUTE, VECTOR, MEMORY, LAUNCH = "compute", "vector", "HBM", "launch"

SCALAR_BYTES = 8
"""Results this small are worked out on the way, by a scalar unit or on the host."""

_CYCLES = re.compile(r'"estimated_cycles":"(\d+)"')
_DOTS = {"dot", "convolution"}
# What moves or names values, which the bytes stand for already.
_MOVES = (
    FREE
    | _DOTS
    | {
        "broadcast",
        "copy",
        "custom-call",
        "dynamic-slice",
        "dynamic-update-slice",
        "fusion",
        "iota",
        "pad",
        "reshape",
        "slice",
        "transpose",
    }
)


@dataclass(frozen=True, slots=True)
class DeviceRates:
    """What one device does in a second; a chip with two devices gives half to each.

    `vector_ops_per_second` is what a fusion gets of the vector units, in operations on 32-bit elements,
    loads and stores of operands counted; `unfused_ops_per_second` is what an operation gets that stands
    alone. `f32_flops_per_second` is the rate of float32 dots at the default precision, and
    `precise_flops_per_second` at the highest. `launch_seconds` is what starting one operation costs.
    `clock_hertz` turns the compiler's cycles into time.
    """

    int8_flops_per_second: float
    bf16_flops_per_second: float
    f32_flops_per_second: float
    precise_flops_per_second: float
    vector_ops_per_second: float
    unfused_ops_per_second: float
    memory_bytes_per_second: float
    clock_hertz: float
    launch_seconds: float

    def flops_per_second(self, bits: int) -> float:
        """The peak of dots whose operands are so many bits wide; 64 is full precision."""
        if bits <= 8:
            return self.int8_flops_per_second
        if bits <= 16:
            return self.bf16_flops_per_second
        return self.f32_flops_per_second if bits <= 32 else self.precise_flops_per_second


@dataclass(frozen=True, slots=True)
class Effort:
    """What an instruction asks of a device: FLOPs of its dots, their operands' width, vector work, bytes."""

    flops: float = 0.0
    dot_bits: int = 0
    vector_ops: float = 0.0
    memory_bytes: int = 0


def instruction_effort(module: Module, computation: Computation, instruction: Instruction) -> Effort:
    """What `instruction` asks of the device, once."""
    if is_free(instruction):
        return Effort()
    traffic = instruction_traffic(module, computation, instruction)
    vector_ops, bits = _inside(module, computation, instruction)
    return Effort(
        flops=instruction_flops(module, computation, instruction),
        dot_bits=bits,
        vector_ops=vector_ops + (traffic.main_bytes + traffic.chip_bytes) / 4,
        memory_bytes=traffic.main_bytes,
    )


def instruction_work(
    module: Module, computation: Computation, instruction: Instruction, rates: DeviceRates
) -> tuple[Work, ...]:
    """How long the device works on `instruction` and what bounds it; empty for what costs nothing.

    Where the program carries the compiler's cycles, they are the time; the roofline says what bounds it.
    """
    effort = instruction_effort(module, computation, instruction)
    memory = effort.memory_bytes / rates.memory_bytes_per_second
    is_fused = effort.flops or instruction.opcode == "fusion"
    vector_rate = rates.vector_ops_per_second if is_fused else rates.unfused_ops_per_second
    bounds = {
        COMPUTE: effort.flops / rates.flops_per_second(effort.dot_bits),
        VECTOR: effort.vector_ops / vector_rate,
        MEMORY: memory,
    }
    term, seconds = max(bounds.items(), key=lambda bound: bound[1])
    cycles = _CYCLES.search(instruction.text)
    if cycles and rates.clock_hertz:
        seconds = int(cycles[1]) / rates.clock_hertz
        return (Work(term, seconds, min(memory, seconds)),)
    if not seconds or instruction.shape.byte_size <= SCALAR_BYTES:
        return ()
    return (Work(term, seconds, memory), Work(LAUNCH, rates.launch_seconds))


def _inside(module: Module, computation: Computation, instruction: Instruction) -> tuple[float, int]:
    """Elementwise operations of an instruction and all that is fused into it; its dots' operand width."""
    fused = module.called(instruction, "calls")
    if instruction.opcode != "fusion" or fused is None:
        return _own_ops(computation, instruction), _dot_bits(computation, instruction)
    inner = [_inside(module, fused, one) for one in fused.instructions]
    return sum(ops for ops, _ in inner), max((bits for _, bits in inner), default=0)


def _own_ops(computation: Computation, instruction: Instruction) -> float:
    if instruction.opcode in _MOVES:
        return 0.0
    counted = instruction.shape
    if instruction.opcode in ("reduce", "reduce-window"):
        operand = computation.operand(instruction, 0)
        counted = operand.shape if operand else counted
    return float(sum(array.element_count for array in counted.arrays))


def _dot_bits(computation: Computation, instruction: Instruction) -> int:
    """Width of a dot's wider operand; 64 where full precision is asked for."""
    if instruction.opcode not in _DOTS:
        return 0
    operands = [computation.by_name.get(name) for name in instruction.operands[:2]]
    bits = max((bits_of(operand.shape.dtype) for operand in operands if operand), default=0)
    return 64 if bits > 16 and "highest" in instruction.attribute("operand_precision") else bits
