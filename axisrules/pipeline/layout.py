"""Which layers each virtual stage has, and stacked weights cut accordingly."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import jax
import jax.numpy as jnp
import numpy as np


@dataclass(frozen=True)
class StageLayout:
    """`counts[k]` layers in a row for virtual stage k, which lies on device k % stages.

    Stages of fewer layers than the deepest are padded with layers that do nothing.
    """

    stages: int
    repeats: int
    counts: tuple[int, ...]

    @property
    def layers(self) -> int:
        """How many layers the model has."""
        return sum(self.counts)

    @property
    def depth(self) -> int:
        """How many layers a virtual stage has room for."""
        return max(self.counts)

    @property
    def is_even(self) -> bool:
        """Whether no stage is padded."""
        return len(set(self.counts)) == 1

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The first layer of every virtual stage."""
        return (0, *accumulate(self.counts))[: len(self.counts)]

    def cut(self, stacked: jax.Array) -> jax.Array:
        """`stacked` [layers, ...] as [repeats, stages, depth, ...], padded with copies of some layer."""
        shape = (self.repeats, self.stages, self.depth, *stacked.shape[1:])
        if self.is_even:
            return stacked.reshape(shape)
        last = self.layers - 1
        places = np.minimum(np.array(self.starts)[:, None] + np.arange(self.depth), last)
        return jnp.take(stacked, places.reshape(-1), axis=0).reshape(shape)


def layout_of(counts: Sequence[int], stages: int, repeats: int) -> StageLayout:
    """The layout of a split; `counts` goes through the virtual stages in the model's order."""
    return StageLayout(stages, repeats, tuple(counts))
