"""The chips that meshes are made of, as `chips.toml` describes them."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from axisrules.diagnostics import AxisRulesError, Origin, catalog, did_you_mean

FILE = Path(__file__).parent / "chips.toml"
BYTES = {"GB": 10**9, "GiB": 2**30}


@dataclass(frozen=True, slots=True)
class Chip:
    """One chip: the bytes of its high-bandwidth memory, and the page that says so."""

    name: str
    memory_bytes: int
    source: str


@cache
def known_chips() -> dict[str, Chip]:
    """Every chip by its name."""
    text = FILE.read_text(encoding="utf-8")
    return {
        name: Chip(name, facts["memory"]["size"] * BYTES[facts["memory"]["unit"]], facts["source"])
        for name, facts in tomllib.loads(text).items()
    }


def load_chip(name: str) -> Chip:
    """The chip called `name`; AXR210 for one that the chip file lacks.

    >>> load_chip("v5e").memory_bytes
    16000000000
    """
    if name not in known_chips():
        raise AxisRulesError([catalog.UNKNOWN_CHIP.at(Origin(name), fix=did_you_mean(name, known_chips()))])
    return known_chips()[name]
