"""Compiled programs of tests/cases/hlo, and small programs around a few instructions."""

from functools import cache
from pathlib import Path

from axisrules.analysis import Module, read_module

FOLDER = Path(__file__).parents[1] / "cases" / "hlo"


@cache
def sample(name: str) -> Module:
    """One of the compiled programs that README.md beside them describes."""
    return read_module((FOLDER / f"{name}.txt").read_text(encoding="utf-8"))


def module(text: str, devices: int = 8) -> Module:
    """The module whose computations `text` lists."""
    return read_module(f"HloModule small, is_scheduled=true, num_partitions={devices}\n\n{text}")


def entry(body: str, devices: int = 8) -> Module:
    """The module of a single computation with the instructions of `body`."""
    return module(f"ENTRY %main (p: f32[8]) -> f32[8] {{\n{body}\n}}\n", devices)
