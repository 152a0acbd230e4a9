"""What training carries from step to step."""

from dataclasses import dataclass
from typing import Any

import jax


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TrainState:
    """A pytree: the step count, the random key, and every array that a step reads and writes.

    `params` and `rest` are nested dicts in linen and in nnx alike, so that paths in a plan, in a
    checkpoint and in the state are the same. `opt_state` is whatever the optimizer keeps.
    """

    step: Any
    key: Any
    params: Any
    rest: Any
    opt_state: Any
