"""The chips that meshes are made of, as `chips.toml` describes them."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NotRequired, TypedDict

from axisrules.diagnostics import AxisRulesError, Origin, catalog, did_you_mean

Basis = Literal["published", "derived", "compiler", "assumed"]
ChipPlatform = Literal["tpu", "gpu"]

FILE = Path(__file__).parent / "chips.toml"
UNITS = {
    "GB": 10**9,
    "GiB": 2**30,
    "GB/s": 10**9,
    "TFLOP/s": 10**12,
    "GHz": 10**9,
    "us": 1e-6,
    "of peak": 1.0,
}


@dataclass(frozen=True, slots=True)
class ChipFigure:
    """One number of a chip: `amount` in `unit` as its source writes it, and where it comes from.

    `basis` is `published`, `derived` (from published figures; `note` says how), `compiler` (what the compiler
    says of itself) or `assumed` (no public source; `note` says why this number).
    """

    name: str
    amount: float
    unit: str
    basis: Basis
    source: str
    note: str = ""

    @property
    def value(self) -> float:
        """The number in FLOP/s, bytes, bytes/s, hertz or seconds; a share as it is."""
        return self.amount * UNITS[self.unit]


@dataclass(frozen=True, slots=True)
class SliceShapes:
    """Which arrangements of chips there are, in chips per dim, and where links close a ring.

    `listed` are sizes as text. With `cubes`, every size whose dims are all multiples of 4 exists too, up to
    `largest` chips, and wraps around in every dim. `edge` is the size at which a dim of a flat torus wraps
    around. `per_node` is how many GPUs share a node.
    Source: the makers' pages, and "How to Scale Your Model", chapter "How to Think About TPUs".
    """

    rank: int
    largest: int
    listed: tuple[str, ...] = ()
    cubes: bool = False
    edge: int = 0
    per_node: int = 0


@dataclass(frozen=True, slots=True)
class Chip:
    """One chip: the bytes of its high-bandwidth memory and the page that says so, and every other figure.

    Rates are for the whole chip, of which programs see `devices`; `links` is how many links leave it.
    """

    name: str
    memory_bytes: int
    source: str
    platform: ChipPlatform = "tpu"
    devices: int = 1
    links: int = 0
    shapes: SliceShapes = SliceShapes(rank=1, largest=1)
    figures: tuple[ChipFigure, ...] = ()

    def figure(self, name: str) -> ChipFigure:
        """The figure called `name`; a chip that lacks it is a bug of ours."""
        return next(figure for figure in self.figures if figure.name == name)

    @property
    def bf16_flops_per_second(self) -> float:
        """Peak FLOP/s of bfloat16 matrix products."""
        return self.figure("matmul_bf16").value

    @property
    def f32_flops_per_second(self) -> float:
        """Peak FLOP/s of float32 matrix products: TF32 on GPUs, JAX's `highest` precision on TPUs."""
        return self.figure("matmul_f32").value

    @property
    def int8_flops_per_second(self) -> float:
        """Peak operations a second of 8-bit matrix products."""
        return self.figure("matmul_8bit").value

    @property
    def vector_flops_per_second(self) -> float:
        """Peak FLOP/s of elementwise float32 work."""
        return self.figure("vector_f32").value

    @property
    def vector_share(self) -> float:
        """What fused work gets of `vector_flops_per_second`, loads and stores counted as work."""
        return self.figure("vector_share").value

    @property
    def unfused_share(self) -> float:
        """The same in an elementwise operation that stands alone."""
        return self.figure("unfused_share").value

    @property
    def memory_bytes_per_second(self) -> float:
        """Bandwidth of the high-bandwidth memory."""
        return self.figure("memory_bandwidth").value

    @property
    def compile_limit_bytes(self) -> int:
        """Bytes of one device that the compiler lets a program use; where it sets no limit, all of them."""
        names = [figure.name for figure in self.figures]
        if "compile_limit" not in names:
            return self.memory_bytes // self.devices
        return int(self.figure("compile_limit").value)

    @property
    def link_bytes_per_second(self) -> float:
        """Bytes a second in one direction: over one link of a TPU, over all of a GPU's NVLinks together."""
        return self.figure("link").value

    @property
    def network_bytes_per_second(self) -> float:
        """Bytes a second that one chip sends over the network between slices or nodes."""
        return self.figure("network").value

    @property
    def clock_hertz(self) -> float:
        """Cycles a second, to turn a compiler's cycles into time."""
        return self.figure("clock").value

    @property
    def link_seconds(self) -> float:
        """Latency of one hop over a link."""
        return self.figure("link_latency").value

    @property
    def network_seconds(self) -> float:
        """Latency of one step over the network."""
        return self.figure("network_latency").value

    @property
    def launch_seconds(self) -> float:
        """What starting one operation costs."""
        return self.figure("launch").value


class _FigureFacts(TypedDict):
    value: float
    unit: str
    basis: NotRequired[Basis]
    source: str
    note: NotRequired[str]


class _ShapeFacts(TypedDict):
    rank: int
    largest: int
    listed: list[str]
    cubes: NotRequired[bool]
    edge: NotRequired[int]
    per_node: NotRequired[int]


class _MemoryFacts(TypedDict):
    size: int
    unit: str


class _ChipFacts(TypedDict):
    platform: ChipPlatform
    devices: int
    shapes: _ShapeFacts
    links: int
    memory: _MemoryFacts
    source: str
    figures: dict[str, _FigureFacts]


@cache
def known_chips() -> dict[str, Chip]:
    """Every chip by its name."""
    entries = tomllib.loads(FILE.read_text(encoding="utf-8"))
    every: dict[ChipPlatform, dict[str, _FigureFacts]] = entries.pop("every")
    chips: dict[str, _ChipFacts] = entries
    return {name: _chip(name, facts, every[facts["platform"]]) for name, facts in chips.items()}


def load_chip(name: str) -> Chip:
    """The chip called `name`; AXR210 for one that the chip file lacks.

    >>> load_chip("v5e").memory_bytes
    16000000000
    """
    if name not in known_chips():
        raise AxisRulesError([catalog.UNKNOWN_CHIP.at(Origin(name), fix=did_you_mean(name, known_chips()))])
    return known_chips()[name]


def _chip(name: str, facts: _ChipFacts, every: dict[str, _FigureFacts]) -> Chip:
    """The chip of one table of the file, with what holds for `every` chip of its platform."""
    shapes = facts["shapes"]
    return Chip(
        name=name,
        memory_bytes=facts["memory"]["size"] * int(UNITS[facts["memory"]["unit"]]),
        source=facts["source"],
        platform=facts["platform"],
        devices=facts["devices"],
        links=facts["links"],
        shapes=SliceShapes(
            rank=shapes["rank"],
            largest=shapes["largest"],
            listed=tuple(shapes["listed"]),
            cubes=shapes.get("cubes", False),
            edge=shapes.get("edge", 0),
            per_node=shapes.get("per_node", 0),
        ),
        figures=tuple(_figure(key, entry) for key, entry in (every | facts["figures"]).items()),
    )


def _figure(name: str, facts: _FigureFacts) -> ChipFigure:
    basis = facts.get("basis", "published")
    return ChipFigure(name, facts["value"], facts["unit"], basis, facts["source"], facts.get("note", ""))
