"""What the compiled candidates say of the others: a Gaussian process over the choices that set them apart.

Source: Rasmussen and Williams 2006, "Gaussian Processes for Machine Learning", algorithm 2.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

import numpy as np

from axisrules.search.candidate import Candidate
from axisrules.search.roles import Roles
from axisrules.search.table import MESH_AXES, TENSOR

REMATS = ("none", "attention", "full")
SCALES = (1.0, 2.0, 4.0, 8.0)
NOISE = 1e-4
# Two candidates that differ in one choice, such as in remat, are as far apart as two halvings of a mesh axis.
CHOICE = 1.5


def features(candidates: Sequence[Candidate], roles: Roles) -> np.ndarray:
    """A row of numbers for each candidate: what is alike lies near."""
    return np.array([_row(candidate, roles) for candidate in candidates], dtype=float)


def _row(one: Candidate, roles: Roles) -> list[float]:
    ways = one.size(TENSOR) > 1
    row = [log2(one.size(axis)) for axis in MESH_AXES]
    row += [CHOICE * (ways and group.axes[0] not in one.cut) for group in roles.groups]
    row += [CHOICE * one.cuts_positions, CHOICE * (one.sharded == "optimizer")]
    row += [CHOICE * REMATS.index(one.remat) if one.remat in REMATS else 0.0]
    row += [log2(one.accumulate), log2(one.microbatches)]
    return [*row, CHOICE * MESH_AXES.index(one.crossing) if one.crossing else 0.0]


@dataclass(frozen=True)
class Belief:
    """For each candidate, the mean of what is expected and how sure that is, as a standard deviation."""

    mean: np.ndarray
    deviation: np.ndarray


def believe(known: np.ndarray, values: np.ndarray, asked: np.ndarray) -> Belief:
    """What `values` at the rows `known` say of the rows `asked`, by the likeliest of a few scales."""
    centre, spread = float(values.mean()), float(values.std()) or 1.0
    targets = (values - centre) / spread
    scale = max(SCALES, key=lambda length: _likelihood(known, targets, length))
    factor, weights = _solved(known, targets, scale)
    across = _kernel(asked, known, scale)
    solved = np.linalg.solve(factor, across.T)
    variance = np.maximum(1 - (solved**2).sum(axis=0), 1e-12)
    return Belief(centre + spread * (across @ weights), spread * np.sqrt(variance))


def _kernel(first: np.ndarray, second: np.ndarray, scale: float) -> np.ndarray:
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None, :] - 2 * first @ second.T
    kernel: np.ndarray = np.exp(-np.maximum(squares, 0.0) / (2 * scale**2))
    return kernel


def _solved(known: np.ndarray, targets: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """The Cholesky factor of the kernel, and the targets solved by it."""
    factor = np.linalg.cholesky(_kernel(known, known, scale) + NOISE * np.eye(len(known)))
    return factor, np.linalg.solve(factor.T, np.linalg.solve(factor, targets))


def _likelihood(known: np.ndarray, targets: np.ndarray, scale: float) -> float:
    factor, weights = _solved(known, targets, scale)
    return float(-targets @ weights / 2 - np.log(np.diag(factor)).sum())
