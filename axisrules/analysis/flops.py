"""FLOPs of a compiled program, from its dots and convolutions: a multiply and an add are two."""

import math
import re
from dataclasses import dataclass

from axisrules.analysis.hlo import Computation, Instruction, Module
from axisrules.analysis.loops import visits
from axisrules.analysis.shape import Shape

_NUMBER = re.compile(r"-?\d+")
_WINDOW_FIELD = re.compile(r"(\w+)=([\dx_\-]+)")
_LABELS = re.compile(r"(\w+)_(\w+)->(\w+)")
# Matrix multiplications that the GPU compiler hands to cuBLAS; `$f8` and `$lt$matmul` are variants of it.
_CUBLAS = "__cublas$"
_CUBLAS_CONTRACTED = re.compile(r'"lhs_contracting_dimensions":\[([^\]]*)\]')


def count_flops(module: Module) -> int:
    """FLOPs of one step on one device: every dot and convolution times the trips of its loops.

    Both branches of a conditional count. Convolutions that a GPU library computes are left out.
    """
    total = 0
    for visit in visits(module):
        if visit.role != "calls":  # what a fusion calls is counted with the fusion
            own = (
                instruction_flops(module, visit.computation, one) for one in visit.computation.instructions
            )
            total += visit.count * sum(own)
    return total


def instruction_flops(module: Module, computation: Computation, instruction: Instruction) -> int:
    """FLOPs of one execution of `instruction`, what a fusion fuses included; 0 for loops and calls."""
    if instruction.opcode == "dot":
        return _dot_flops(computation, instruction)
    if instruction.opcode == "convolution":
        return _convolution_flops(computation, instruction)
    if instruction.opcode in ("fusion", "async-start"):
        inner = module.called(instruction, "calls")
        return sum(instruction_flops(module, inner, one) for one in inner.instructions) if inner else 0
    if instruction.opcode == "custom-call" and _CUBLAS in instruction.attribute("custom_call_target"):
        contracted = _CUBLAS_CONTRACTED.search(instruction.text)
        return _contraction_flops(computation, instruction, _numbers(contracted[1] if contracted else ""))
    return 0


def _dot_flops(computation: Computation, dot: Instruction) -> int:
    return _contraction_flops(computation, dot, _numbers(dot.attribute("lhs_contracting_dims")))


def _contraction_flops(computation: Computation, dot: Instruction, contracted: list[int]) -> int:
    """Twice the result's elements times the contracted elements; a tuple's first array is the result."""
    left = computation.operand(dot, 0)
    if left is None or any(dim >= len(left.shape.dims) for dim in contracted):
        return 0
    return 2 * dot.shape.arrays[0].element_count * math.prod(left.shape.dims[dim] for dim in contracted)


@dataclass(frozen=True, slots=True)
class _WindowDim:
    """One spatial dim of a convolution: how kernel, input and output positions meet in it."""

    size: int
    stride: int
    pad_low: int
    input_dilation: int
    kernel_dilation: int

    def meetings(self, input_size: int, output_size: int) -> int:
        """Pairs of kernel and output positions that fall on an input element, not on padding or holes."""
        end = (input_size - 1) * self.input_dilation
        # The two sides play alike; the longer one is counted by formula.
        kernel, output = (self.size, self.kernel_dilation), (output_size, self.stride)
        (few, step), (many, stride) = sorted((kernel, output))
        starts = range(-self.pad_low, few * step - self.pad_low, step)
        return sum(_multiples(start, stride, many, self.input_dilation, end) for start in starts)


def _multiples(start: int, stride: int, count: int, divisor: int, end: int) -> int:
    """How many of `count` numbers from `start`, `stride` apart, are multiples of `divisor` in [0, end]."""
    common = math.gcd(stride, divisor)
    if start % common:
        return 0
    # Every `period`-th of them is a multiple, from the one numbered `first` on.
    period = divisor // common
    first = -start // common * pow(stride // common, -1, period) % period
    lowest, highest = max(0, -(start // stride)), min(count - 1, (end - start) // stride)
    return max(0, (highest - first) // period - (lowest - 1 - first) // period)


def _convolution_flops(computation: Computation, convolution: Instruction) -> int:
    """Two per multiply-add that meets real input.

    On TPU every dot is a convolution, batch dims as spatial dims with dilations that let each position
    meet its own partner alone. Source: XLA's HloCostAnalysis::HandleConvolution counts the same way.
    """
    left, right = computation.operand(convolution, 0), computation.operand(convolution, 1)
    labels = _LABELS.match(convolution.attribute("dim_labels"))
    if left is None or right is None or labels is None:
        return 0
    inputs, kernels, outputs = labels.groups()
    meetings = 1
    for number, dim in enumerate(_window(convolution.attribute("window"))):
        input_size = left.shape.dims[inputs.index(str(number))]
        output_size = convolution.shape.dims[outputs.index(str(number))]
        meetings *= dim.meetings(input_size, output_size)
    return (
        2
        * meetings
        * math.prod(
            (
                _size(left.shape, inputs, "b") // _groups(convolution, "batch_group_count"),
                _size(left.shape, inputs, "f") // _groups(convolution, "feature_group_count"),
                _size(right.shape, kernels, "o"),
            )
        )
    )


def _window(text: str) -> list[_WindowDim]:
    """The dims of `{size=1x4 pad=0_0x3_3 rhs_reversal=0x1}`; reversal changes no count."""
    fields = {name: value.split("x") for name, value in _WINDOW_FIELD.findall(text)}
    sizes = fields.get("size", [])

    def of(name: str, number: int, default: int) -> int:
        values = fields.get(name)
        # A pad is written `low_high`; only the low end decides which positions meet.
        return int(values[number].partition("_")[0]) if values else default

    return [
        _WindowDim(
            size=int(size),
            stride=of("stride", number, 1),
            pad_low=of("pad", number, 0),
            input_dilation=of("lhs_dilate", number, 1),
            kernel_dilation=of("rhs_dilate", number, 1),
        )
        for number, size in enumerate(sizes)
    ]


def _size(shape: Shape, labels: str, label: str) -> int:
    return shape.dims[labels.index(label)]


def _groups(convolution: Instruction, name: str) -> int:
    return int(convolution.attribute(name) or 1)


def _numbers(text: str) -> list[int]:
    return [int(number) for number in _NUMBER.findall(text)]
