"""A device's rows of the batch, a microbatch at a time, and the random keys of each."""

from dataclasses import dataclass
from typing import Any

import jax

from axisrules.pipeline.floats import Arrays
from axisrules.pipeline.inputs import Inputs


@dataclass(frozen=True, eq=False)
class Rows:
    """`values` are the inputs of roles "rows" and "key" by their place, cut to this device's rows.

    Every microbatch has keys of its own, and so has every data shard (`shard` of `shards`): their dropout
    masks would be the same otherwise.
    """

    inputs: Inputs
    values: dict[int, Any]
    microbatch_rows: int
    shard: Any
    shards: int

    def feed(self, microbatch: Any, share: Any = 0, shares: int = 1) -> Arrays:
        """The rows and keys of a microbatch, or of one share of its rows; in the order of the inputs."""
        size = self.microbatch_rows // shares
        start = microbatch * self.microbatch_rows + share * size
        return [
            jax.lax.dynamic_slice_in_dim(value, start, size, self.inputs.row_dims[at])
            if at in self.inputs.row_dims
            else self.key(value, microbatch)
            for at, value in self.values.items()
        ]

    def key(self, keys: jax.Array, microbatch: Any) -> jax.Array:
        """Keys of any shape, folded with the microbatch and the data shard."""
        fold = lambda key: jax.random.fold_in(key, microbatch * self.shards + self.shard)  # noqa: E731
        for _ in range(keys.ndim):
            fold = jax.vmap(fold)
        return fold(keys)
