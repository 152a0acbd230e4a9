"""A microbatch's way through the model, as functions of arrays: front, layers and head."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp

from axisrules.memory import module_path, rematerialized_layer
from axisrules.pipeline.floats import Arrays
from axisrules.pipeline.inputs import Inputs
from axisrules.pipeline.split import Split
from axisrules.pipeline.trace import Name, Trace, aval
from axisrules.rules import Remat


@dataclass(frozen=True, eq=False)
class Parts:
    """The parts of `split`, traced anew as `trace` for the rows of a microbatch, on the mesh as it is here.

    What travels from stage to stage is a list: the loop's carry, the extras, then a buffer [layers, ...]
    for each collected result. `feed` is a microbatch's rows and keys, in the order of `fed`.
    """

    split: Split
    trace: Trace
    inputs: Inputs
    # What part of a sum that the layers make is the microbatch's: less than 1 where it is a mean.
    share: float = 1.0
    # What is recomputed inside of a layer.
    policies: tuple[Remat, ...] = ()

    @cached_property
    def fed(self) -> tuple[Name, ...]:
        """The arguments that each microbatch has of its own."""
        return tuple(("in", at, 0) for at in self.inputs.of("rows", "key"))

    @cached_property
    def _body(self) -> Any:
        loop = self.trace.loop
        return rematerialized_layer(loop.body, module_path(loop.eqn), self.policies)

    @cached_property
    def front_statics(self) -> tuple[Name, ...]:
        """The statics that the front reads."""
        read = self.trace.reads((*self.split.statics, *self.fed), self._front_wanted)
        return tuple(name for name in self.split.statics if name in read)

    @cached_property
    def head_statics(self) -> tuple[Name, ...]:
        """The statics that the head reads."""
        read = self.trace.reads((*self.split.statics, *self.fed, *self._head_given), self.split.sums)
        return tuple(name for name in self.split.statics if name in read)

    @property
    def layer_statics(self) -> tuple[Name, ...]:
        """The statics that every layer reads: operands of the loop that are not cut."""
        return tuple(name for name in self.split.statics if name[0] == "operand")

    def front(self, statics: Sequence[Any], feed: Sequence[Any]) -> Arrays:
        """What travels into the first layer."""
        made = self.trace.function((*self.front_statics, *self.fed), self._front_wanted)(*statics, *feed)
        return [*made, *self.buffers()]

    def fresh(self, statics: Sequence[Any], feed: Sequence[Any]) -> Arrays:
        """The loop's operands that each microbatch has of its own, whole."""
        wanted = [("operand", at, 0) for at in self.split.fresh]
        return list(self.trace.function((*self.split.statics, *self.fed), wanted)(*statics, *feed))

    def head(self, statics: Sequence[Any], feed: Sequence[Any], travelled: Sequence[Any]) -> Arrays:
        """The row sums, from what has travelled through all layers."""
        given = (*self.head_statics, *self.fed, *self._head_given)
        sums = self.trace.function(given, self.split.sums)(*statics, *feed, *travelled)
        pairs = zip(self.split.sums, sums, strict=True)
        return [value * self.share if name[0] == "loop" else value for name, value in pairs]

    def buffers(self) -> Arrays:
        """Empty buffers for the collected results."""
        outs = self.trace.loop.eqn.outvars
        return [jnp.zeros(aval(outs[j]).shape, aval(outs[j]).dtype) for j in self.split.collected]

    def layer(
        self,
        statics: Sequence[Any],
        fresh: Sequence[Any],
        cut: Sequence[Any],
        travels: Sequence[Any],
        at: Any,
    ) -> Arrays:
        """One layer: `cut` are its slices of the stacked operands, `at` is its number in the model."""
        loop, split = self.trace.loop, self.split
        operands: list[Any] = [None] * len(loop.eqn.invars)
        for name, value in zip(self.layer_statics, statics, strict=True):
            operands[name[1]] = value
        for place, value in zip(split.stacked, cut, strict=True):
            operands[place] = value
        for place, value in zip(split.fresh, fresh, strict=True):
            is_cut = place >= loop.consts + loop.carry
            operands[place] = jax.lax.dynamic_index_in_dim(value, at, 0, keepdims=False) if is_cut else value
        operands[loop.consts : loop.consts + loop.carry] = travels[: loop.carry]
        extras = travels[loop.carry : loop.carry + len(split.extras)]
        for name, value in zip(split.extras, extras, strict=True):
            if name[0] == "operand":
                operands[name[1]] = value
        results = self._body(*operands)
        buffers = travels[loop.carry + len(split.extras) :]
        kept = [
            jax.lax.dynamic_update_index_in_dim(buffer, results[j], at, 0)
            for j, buffer in zip(split.collected, buffers, strict=True)
        ]
        return [*results[: loop.carry], *extras, *kept]

    @property
    def _front_wanted(self) -> tuple[Name, ...]:
        return (*self.split.carry, *self.split.extras)

    @property
    def _head_given(self) -> tuple[Name, ...]:
        loop = self.trace.loop
        carried = [("loop", j, 0) for j in range(loop.carry)]
        return (*carried, *self.split.extras, *(("loop", j, 0) for j in self.split.collected))
