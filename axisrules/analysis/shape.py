"""Shapes as a compiled program writes them: element type, dims, layout, memory space, bytes."""

import math
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

# Source: XLA's PrimitiveType (xla_data.proto); `e` types are named by exponent and mantissa bits.
_BITS = {"pred": 8, "token": 0, "opaque": 0, "bf16": 16, "c64": 64, "c128": 128, "f8e8m0fnu": 8}
_ARRAY = re.compile(r"([a-z]\w*)\[([^\]]*)\](?:\{([^}]*)\})?")
_NUMBERED = re.compile(r"[a-z]+?(\d+)(?:e\d+m\d+\w*)?")
_SPACE = re.compile(r"S\((\d+)\)")


@dataclass(frozen=True)
class Shape:
    """One array (`dtype` and `dims`), or a tuple of shapes (`elements`).

    `minor_to_major` lists the dims from the fastest varying one on; `memory_space` is 0 for a
    device's main memory and XLA's own number for others. Sizes leave the padding of tiles out.
    """

    dtype: str
    dims: tuple[int, ...] = ()
    elements: "tuple[Shape, ...]" = ()
    minor_to_major: tuple[int, ...] = ()
    memory_space: int = 0

    @property
    def is_tuple(self) -> bool:
        """Whether this is a tuple of shapes."""
        return self.dtype == "tuple"

    @cached_property
    def element_count(self) -> int:
        """How many numbers the array holds; 0 for a tuple."""
        return 0 if self.is_tuple else math.prod(self.dims)

    @cached_property
    def byte_size(self) -> int:
        """Bytes of the array, or of all arrays of the tuple."""
        if self.is_tuple:
            return sum(element.byte_size for element in self.elements)
        return -(-self.element_count * bits_of(self.dtype) // 8)

    @cached_property
    def arrays(self) -> "tuple[Shape, ...]":
        """The arrays of a tuple, of tuples in it too, in order; the shape itself where it is an array."""
        if not self.is_tuple:
            return (self,)
        return tuple(array for element in self.elements for array in element.arrays)

    def __str__(self) -> str:
        if self.is_tuple:
            return f"({', '.join(map(str, self.elements))})"
        return f"{self.dtype}[{','.join(map(str, self.dims))}]"


def bits_of(dtype: str) -> int:
    """Bits of one element of `dtype`, 0 for what takes no memory (a token).

    >>> bits_of("bf16"), bits_of("s4"), bits_of("f8e4m3fn"), bits_of("pred")
    (16, 4, 8, 8)
    """
    known = _BITS.get(dtype)
    if known is not None:
        return known
    numbered = _NUMBERED.fullmatch(dtype)
    return int(numbered[1]) if numbered else 0


@lru_cache(maxsize=65536)
def read_shape(text: str) -> Shape:
    """The shape that `f32[2,1024]{1,0:T(8,128)S(1)}` or `(s32[], bf16[8])` writes.

    Bounds of dynamic dims (`<=8`) count as their sizes. Text that is no shape gives an empty tuple.
    """
    text = text.strip()
    if text.startswith("("):
        inner = text[1 : text.rindex(")")]
        return Shape("tuple", elements=tuple(read_shape(part) for part in split_level(inner)))
    found = _ARRAY.match(text)
    if not found:
        return Shape("tuple")
    dtype, dims, layout = found.groups()
    order, _, rest = (layout or "").partition(":")
    space = _SPACE.search(rest)
    return Shape(
        dtype,
        tuple(int(dim.strip().lstrip("<=")) for dim in dims.split(",") if dim.strip().lstrip("<=").isdigit()),
        minor_to_major=tuple(int(dim) for dim in order.split(",") if dim.isdigit()),
        memory_space=int(space[1]) if space else 0,
    )


_COMMENT = re.compile(r"/\*.*?\*/")
_BRACKETS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


def split_level(text: str, separator: str = ",") -> tuple[str, ...]:
    """The parts of `text` between separators that no bracket and no quote encloses, without blanks.

    >>> split_level("a, f(b, c), 'd'")
    ('a', 'f(b, c)', "'d'")
    """
    text = _COMMENT.sub("", text)
    parts: list[str] = []
    depth, start, is_quoted = 0, 0, False
    for place, letter in enumerate(text):
        if letter == '"' and text[place - 1 : place] != "\\":
            is_quoted = not is_quoted
        if is_quoted:
            continue
        depth += _BRACKETS.get(letter, 0)
        if letter == separator and not depth:
            parts.append(text[start:place].strip())
            start = place + 1
    last = text[start:].strip()
    return (*parts, last) if last else tuple(parts)
