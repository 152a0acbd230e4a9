"""Memory of a compiled program on one device, read from the compiler's buffer assignment."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from axisrules.mesh import Platform

_ALLOCATION = re.compile(r"^allocation \d+: size (\d+)(.*):$", re.MULTILINE)
_SHAPE = re.compile(r"shape (?:is )?\|[^|]*\|")
_PARAMETER = re.compile(r"\bparameter (\d+)")
_COLOR = re.compile(r"\bcolor (\d+)")
_MAIN, _HOST = 0, 5


@dataclass(frozen=True)
class Allocation:
    """One allocation: its bytes, the entry's parameter that it holds, its memory space, what it is for.

    `parameter` is -1 for none. `space` is XLA's number: 0 for a device's main memory, 5 for the host's;
    on TPU 1 is the vector memory.
    """

    byte_size: int
    parameter: int = -1
    space: int = _MAIN
    is_output: bool = False
    is_constant: bool = False


@dataclass(frozen=True)
class Memory:
    """What one device allocates for a program, in bytes, the padding of tiles included.

    Before code generation: the program's own text comes on top, and the compiler may still save some.
    `spaces` lists the bytes of all allocations by memory space; everything else is main memory.
    """

    allocations: tuple[Allocation, ...]
    platform: Platform = "tpu"

    @cached_property
    def main(self) -> tuple[Allocation, ...]:
        """The allocations in a device's main memory (HBM)."""
        return tuple(one for one in self.allocations if self._is_main(one))

    @cached_property
    def spaces(self) -> tuple[tuple[int, int], ...]:
        """(memory space, bytes) of all allocations, by the space's number."""
        found: dict[int, int] = {}
        for one in self.allocations:
            found[one.space] = found.get(one.space, 0) + one.byte_size
        return tuple(sorted(found.items()))

    @cached_property
    def argument_bytes(self) -> int:
        """Arguments of the program: state and batch."""
        return sum(one.byte_size for one in self.main if one.parameter >= 0)

    @cached_property
    def alias_bytes(self) -> int:
        """Arguments whose memory results take over."""
        return sum(one.byte_size for one in self.main if one.parameter >= 0 and one.is_output)

    @cached_property
    def output_bytes(self) -> int:
        """Results, those in the memory of arguments included."""
        return sum(one.byte_size for one in self.main if one.is_output)

    @cached_property
    def constant_bytes(self) -> int:
        """Constants of the program."""
        return sum(one.byte_size for one in self.main if one.is_constant)

    @cached_property
    def temp_bytes(self) -> int:
        """Everything in between: activations, gradients, gathered parameters."""
        known = self.argument_bytes + self.output_bytes - self.alias_bytes + self.constant_bytes
        return self.total_bytes - known

    @cached_property
    def total_bytes(self) -> int:
        """What the program needs at its peak."""
        return sum(one.byte_size for one in self.main)

    @cached_property
    def host_bytes(self) -> int:
        """What the program keeps in the host's memory: activations that a remat policy offloads."""
        return sum(one.byte_size for one in self.allocations if one.space == _HOST)

    @cached_property
    def parameter_bytes(self) -> dict[int, int]:
        """Bytes of every argument by its number."""
        return {one.parameter: one.byte_size for one in self.main if one.parameter >= 0}

    def _is_main(self, one: Allocation) -> bool:
        # A GPU keeps what its collectives exchange in a space of its own, which is HBM too.
        return one.space != _HOST if self.platform == "gpu" else one.space == _MAIN

    def to_json(self) -> dict[str, object]:
        """The sums as plain values."""
        return {
            "argument_bytes": self.argument_bytes,
            "output_bytes": self.output_bytes,
            "alias_bytes": self.alias_bytes,
            "constant_bytes": self.constant_bytes,
            "temp_bytes": self.temp_bytes,
            "total_bytes": self.total_bytes,
            "host_bytes": self.host_bytes,
            "spaces": {str(space): byte_size for space, byte_size in self.spaces},
        }


def read_memory(text: str, *, platform: Platform = "tpu") -> Memory:
    """The memory that a `*-buffer-assignment.txt` dump lists.

    Raises ValueError where the text lists no allocation.
    """
    allocations = tuple(_allocations(text))
    if not allocations:
        raise ValueError("the text lists no allocation, so it is no buffer assignment")
    return Memory(allocations, platform)


def _allocations(text: str) -> Iterator[Allocation]:
    for size, facts in _ALLOCATION.findall(text):
        words = _SHAPE.sub("", facts)
        parameter, color = _PARAMETER.search(words), _COLOR.search(words)
        yield Allocation(
            byte_size=int(size),
            parameter=int(parameter[1]) if parameter else -1,
            space=int(color[1]) if color else _MAIN,
            is_output="maybe-live-out" in words,
            is_constant="constant" in words,
        )
