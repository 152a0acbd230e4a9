"""Sizes of buffers in the text of a compiled HLO module."""

import math
import re
from collections import Counter
from collections.abc import Iterator

BYTES_OF = {"pred": 1, "bf16": 2} | {
    f"{kind}{bits}": bits // 8 for kind in "sufc" for bits in (8, 16, 32, 64, 128)
}
COLLECTIVES = ("all-gather", "all-reduce", "reduce-scatter", "all-to-all", "collective-permute")

_INSTRUCTION = re.compile(r"^\s*(?:ROOT )?%?\S+ = (\([^)]*\)|\S+) ([a-z][a-z0-9-]*)\(", re.MULTILINE)
_SHAPE = re.compile(r"\b([a-z]+[0-9]*)\[([0-9,]*)\]")


def buffers(hlo_text: str) -> Iterator[tuple[str, str, int]]:
    """(opcode, shape, bytes) of every array that an instruction of the module gives."""
    for result, opcode in _INSTRUCTION.findall(hlo_text):
        for dtype, dims in _SHAPE.findall(result):
            if dtype in BYTES_OF:
                sizes = [int(size) for size in dims.split(",") if size]
                yield opcode, f"{dtype}[{dims}]", math.prod(sizes) * BYTES_OF[dtype]


def collectives(hlo_text: str) -> Counter[tuple[str, str, int]]:
    """How often each (opcode, shape, bytes) of a collective stands in the module."""
    return Counter(buffer for buffer in buffers(hlo_text) if buffer[0].removesuffix("-start") in COLLECTIVES)
