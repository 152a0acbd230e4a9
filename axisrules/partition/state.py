"""What training carries from step to step."""

from typing import Any, NamedTuple


class TrainState(NamedTuple):
    """A pytree: the step count, the random key, and every array that a step reads and writes.

    `params` and `rest` are nested dicts in linen and in nnx alike, so that paths in a plan, in a
    checkpoint and in the state are the same. `opt_state` is whatever the optimizer keeps. (A tuple
    and not a dataclass, since JAX takes tuples apart and together in C++ at every call of a step.)
    """

    step: Any
    key: Any
    params: Any
    rest: Any
    opt_state: Any
