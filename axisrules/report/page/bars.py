"""Stacked bars: what each is made of, and where its parts begin and end."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

# A part narrower than this share of the chart has no room for its own words.
ROOM_FOR_WORDS = 0.11
TICKS = 4
NICE = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a bar: `kind` gives it its colour, `words` its amount as people read it."""

    kind: str
    label: str
    amount: float
    words: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a chart. `limit` is a mark that the bar should stay below; `note` stands in for no parts.

    A bar that cannot be `is_faint`; its note says why.
    """

    name: str
    link: str
    parts: tuple[Part, ...]
    words: str
    note: str = ""
    limit: float | None = None
    is_faint: bool = False

    @property
    def total(self) -> float:
        """The sum of the parts."""
        return sum(part.amount for part in self.parts)

    @property
    def sentence(self) -> str:
        """The bar in words, for those who do not see it."""
        made_of = ", ".join(f"{part.label} {part.words}" for part in self.parts)
        note = f"; {self.note}" if self.note else ""
        return f"{self.name}: {self.words}" + (f", of which {made_of}" if made_of else "") + note


@dataclass(frozen=True, slots=True)
class Segment:
    """A part with its place, in percent of the chart's width."""

    part: Part
    start: float
    width: float

    @property
    def has_room(self) -> bool:
        """Whether its words fit into it."""
        return self.width >= ROOM_FOR_WORDS * 100


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the scale, in percent of the chart's width."""

    start: float
    words: str


@dataclass(frozen=True)
class Chart:
    """Bars on one scale that starts at 0."""

    title: str
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    top: float
    limit_words: str = ""

    def segments(self, bar: Bar) -> list[Segment]:
        """The parts of a bar from left to right; those of nothing are left out."""
        made: list[Segment] = []
        start = 0.0
        for part in bar.parts:
            width = 100 * part.amount / self.top
            if width > 0:
                made.append(Segment(part, start, width))
            start += width
        return made

    def percent(self, amount: float) -> float:
        """Where `amount` lies on the scale, in percent of the width."""
        return 100 * amount / self.top

    @property
    def legend(self) -> tuple[Part, ...]:
        """A part of each kind that some bar has."""
        return tuple({part.kind: part for bar in self.bars for part in bar.parts if part.amount > 0}.values())


def make_chart(
    title: str, bars: Iterable[Bar], words: Callable[[float], str], *, limit_words: str = "", base: float = 10
) -> Chart:
    """The chart of `bars`; `words` writes an amount of the scale, `base` is what its unit goes up by."""
    made = tuple(bars)
    largest = max((max(bar.total, bar.limit or 0.0) for bar in made), default=0.0)
    top = largest * 1.02 or 1.0
    step = _nice_step(top / TICKS, base)
    ticks = tuple(Tick(100 * n * step / top, words(n * step)) for n in range(int(top / step) + 1))
    return Chart(title, made, ticks, top, limit_words)


def _nice_step(about: float, base: float) -> float:
    """The least round number from `about`: 1, 2, 2.5 or 5 times a power of ten, in units of `base`."""
    unit = base ** math.floor(math.log(about, base))
    unit *= 10 ** math.floor(math.log10(about / unit))
    return next(nice for factor in NICE if (nice := factor * unit) >= about * 0.999)
