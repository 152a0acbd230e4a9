"""Axis names inferred from what a program computes: unification over its jaxpr, as types are.

`trace` a function (or bring a jaxpr of your own as a `Traced`), `unify` it once, then `name_axes` of the
graph with any `Seed`s, as often as you like: unifying is the costly part, naming is not. `infer` does both.
"""

from axisrules.infer.inference import (
    AxisClass,
    Contradiction,
    DimName,
    Inference,
    NamedArray,
    NameSource,
    Opaque,
    Suspect,
    UnusedSeed,
)
from axisrules.infer.naming import infer, name_axes
from axisrules.infer.traced import BOUNDARY_MARK, Place, Seed, Traced, places_of, trace
from axisrules.infer.unify import AxisGraph, unify

__all__ = [
    "BOUNDARY_MARK",
    "AxisClass",
    "AxisGraph",
    "Contradiction",
    "DimName",
    "Inference",
    "NameSource",
    "NamedArray",
    "Opaque",
    "Place",
    "Seed",
    "Suspect",
    "Traced",
    "UnusedSeed",
    "infer",
    "name_axes",
    "places_of",
    "trace",
    "unify",
]
