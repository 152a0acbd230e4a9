"""A layer's backward pass in two: first the gradients that travel on, later those of its weights.

The pass is traced once and its equations are dealt out: what the travelling gradients need is done first,
what only weights need is done later, from the values that the first half hands over. Nothing is done twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Var

from axisrules.pipeline.floats import Arrays, is_float
from axisrules.pipeline.layers import Layers, Totals
from axisrules.pipeline.trace import Trace, trace


@dataclass(frozen=True, eq=False)
class Halves:
    """The backward pass of `layers`; `statics` are arrays, `fresh` and `travels` shapes will do."""

    layers: Layers
    statics: tuple[Any, ...]
    fresh: tuple[Any, ...]
    travels: tuple[Any, ...]

    @cached_property
    def floats(self) -> Arrays:
        """What of the travelling has gradients."""
        return [leaf for leaf in self.travels if is_float(leaf)]

    @cached_property
    def traced(self) -> Trace:
        """One layer backward: (statics, fresh, slices, what travelled, cotangents, place) to gradients."""
        cut = [value[0, 0] for value in self.layers.stacked]
        place = [jnp.zeros((), jnp.int32), jnp.zeros((), bool)]
        arguments = [*self.statics, *self.fresh, *cut, *self.travels, *self.floats, *place]
        return trace(self._pull, *(jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in arguments))

    def _pull(self, *arguments: Any) -> Arrays:
        sizes = (
            len(self.statics),
            len(self.fresh),
            len(self.layers.stacked),
            len(self.travels),
            len(self.floats),
        )
        left, parts = list(arguments), []
        for size in sizes:
            parts.append(left[:size])
            left = left[size:]
        where = (left[0], None if self.layers.layout.is_even else left[1])
        back, of_statics, of_cut = self.layers.pull(*parts, where)  # type: ignore[arg-type,call-arg]
        return [*back, *of_statics, *of_cut]

    @cached_property
    def again(self) -> list[Any]:
        """The arguments that the second half has anew: statics, fresh operands, slices and the place."""
        invars = self.traced.jaxpr.invars
        ends = len(self.statics) + len(self.fresh) + len(self.layers.stacked)
        return [*invars[:ends], *invars[-2:]]

    @cached_property
    def handed(self) -> list[Any]:
        """What the first half hands to the second."""
        outs = self.traced.jaxpr.outvars
        first = {id(eqn) for eqn in self.traced.needed(outs[: len(self.floats)], set())}
        second = [e for e in self.traced.needed(outs[len(self.floats) :], set()) if id(e) not in first]
        made = {var for eqn in second for var in eqn.outvars} | set(self.again) | set(self.traced.constvars)
        read = [var for eqn in second for var in eqn.invars] + list(outs[len(self.floats) :])
        return list(dict.fromkeys(var for var in read if isinstance(var, Var) and var not in made))

    def shapes(self) -> Arrays:
        """What is parked between the halves: `handed` for every layer."""
        depth = self.layers.layout.depth
        return [jax.ShapeDtypeStruct((depth, *var.aval.shape), var.aval.dtype) for var in self.handed]

    def first(
        self, fresh: Sequence[Any], saved: Arrays, cotangents: Arrays, virtual_stage: Any
    ) -> tuple[Arrays, Arrays]:
        """The gradients that travel on, and what to park."""
        layers, jaxpr = self.layers, self.traced.jaxpr
        inputs, passing = saved[: layers.carry], saved[layers.carry :]
        run = self.traced.function_of(jaxpr.invars, [*jaxpr.outvars[: len(self.floats)], *self.handed])

        def layer(cotangents: Arrays, turn: Any) -> tuple[Arrays, Arrays]:
            cut, at, own = turn
            place = self.place(virtual_stage, at)
            made = run(*self.statics, *fresh, *cut, *own, *passing, *cotangents, *place)
            return made[: len(self.floats)], made[len(self.floats) :]

        turns = (layers.chunk(virtual_stage), jnp.arange(layers.layout.depth), inputs)
        back, parked = jax.lax.scan(layer, cotangents, turns, reverse=True)
        return back, parked

    def second(self, fresh: Sequence[Any], parked: Arrays, totals: Totals) -> Totals:
        """`totals` with the gradients of statics and of the stacked operands added, from what was parked."""
        layers, outs = self.layers, self.traced.jaxpr.outvars
        run = self.traced.function_of([*self.again, *self.handed], outs[len(self.floats) :])
        count = len(totals.statics)

        def layer(so_far: tuple[Arrays, Arrays], turn: Any) -> tuple[tuple[Arrays, Arrays], None]:
            cut, at, handed = turn
            place = self.place(totals.virtual_stage, at)
            made = run(*self.statics, *fresh, *cut, *place, *handed)
            return totals.add(*so_far, [made[:count], made[count:]], at), None

        turns = (layers.chunk(totals.virtual_stage), jnp.arange(layers.layout.depth), parked)
        (of_statics, of_stacked), _ = jax.lax.scan(layer, (totals.statics, totals.stacked), turns)
        return replace(totals, statics=of_statics, stacked=of_stacked)

    def place(self, virtual_stage: Any, at: Any) -> tuple[Any, Any]:
        """A layer's number, and whether it is one, as arrays."""
        number, is_real = self.layers.place(virtual_stage, at)
        return jnp.asarray(number, jnp.int32), jnp.asarray(True if is_real is None else is_real)
