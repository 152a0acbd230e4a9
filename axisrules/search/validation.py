"""The cost model's own validation, as a benchmark left it: how far two layouts must lie apart."""

import tomllib
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "validation.toml"


@cache
def error_of(platform: str) -> float:
    """By how much, in parts of a step, two layouts on `platform` must differ to be told apart."""
    return float(tomllib.loads(FILE.read_text(encoding="utf-8"))[platform]["error"])
