"""A virtual stage's layers, forward and backward: each layer's input is saved, the rest is computed again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp

from axisrules.pipeline.floats import Arrays, float_vjp, is_float
from axisrules.pipeline.layout import StageLayout
from axisrules.pipeline.parts import Parts


@dataclass(frozen=True, eq=False)
class Layers:
    """One device's layers: `stacked` are its operands of the loop, each [repeats, depth, ...]."""

    parts: Parts
    layout: StageLayout
    stacked: Arrays

    @cached_property
    def carry(self) -> int:
        """How many of what travels is handed on from layer to layer; the others only pass through."""
        return self.parts.trace.loop.carry

    def saved_shapes(self, travels: Sequence[Any]) -> Arrays:
        """What `forward` saves: the input of every layer, and what passes through all of them."""
        deep = [
            jax.ShapeDtypeStruct((self.layout.depth, *leaf.shape), leaf.dtype)
            for leaf in travels[: self.carry]
        ]
        return [*deep, *travels[self.carry :]]

    def forward(
        self, statics: Sequence[Any], fresh: Sequence[Any], travels: Arrays, virtual_stage: Any
    ) -> tuple[Arrays, Arrays]:
        """What travels on, and what the backward pass needs."""

        def layer(travels: Arrays, turn: tuple[Arrays, Any]) -> tuple[Arrays, Arrays]:
            cut, at = turn
            number, is_real = self.place(virtual_stage, at)
            results = self.parts.layer(statics, fresh, cut, travels, number)
            if is_real is not None:
                results = [jnp.where(is_real, new, old) for new, old in zip(results, travels, strict=True)]
            return results, travels[: self.carry]

        turns = (self.chunk(virtual_stage), jnp.arange(self.layout.depth))
        results, inputs = jax.lax.scan(layer, travels, turns)
        return results, [*inputs, *travels[self.carry :]]

    def backward(
        self,
        statics: Sequence[Any],
        fresh: Sequence[Any],
        saved: Arrays,
        cotangents: Arrays,
        totals: "Totals",
    ) -> tuple[Arrays, "Totals"]:
        """Gradients of what travelled in, and `totals` with those of statics and stacked operands added.

        `cotangents` and the first result have an entry for every float among what travels.
        """
        inputs, passing = saved[: self.carry], saved[self.carry :]

        def layer(
            so_far: tuple[Arrays, Arrays, Arrays], turn: Any
        ) -> tuple[tuple[Arrays, Arrays, Arrays], None]:
            cotangents, of_statics, of_stacked = so_far
            cut, at, own = turn
            where = self.place(totals.virtual_stage, at)
            back, *gradients = self.pull(statics, fresh, cut, [*own, *passing], cotangents, where)
            return (back, *totals.add(of_statics, of_stacked, gradients, at)), None

        turns = (self.chunk(totals.virtual_stage), jnp.arange(self.layout.depth), inputs)
        start = (cotangents, totals.statics, totals.stacked)
        (back, of_statics, of_stacked), _ = jax.lax.scan(layer, start, turns, reverse=True)
        return back, replace(totals, statics=of_statics, stacked=of_stacked)

    def pull(
        self,
        statics: Sequence[Any],
        fresh: Sequence[Any],
        cut: Arrays,
        travels: Arrays,
        cotangents: Arrays,
        where: tuple[Any, Any],
    ) -> tuple[Arrays, Arrays, Arrays]:
        """One layer backward: gradients of what travelled in, of statics and of its slices; floats only."""
        number, is_real = where
        ends = (len(statics), len(statics) + len(cut))

        def run(*arguments: Any) -> Arrays:
            parts = (arguments[: ends[0]], arguments[ends[0] : ends[1]], arguments[ends[1] :])
            return self.parts.layer(parts[0], fresh, parts[1], parts[2], number)

        _, pull = float_vjp(run, *statics, *cut, *travels)
        given = iter(cotangents)
        gradients = pull([next(given) if is_float(leaf) else None for leaf in travels])
        if is_real is not None:
            gradients = [None if g is None else jnp.where(is_real, g, jnp.zeros_like(g)) for g in gradients]
        of_statics, of_cut, back = (
            [g for g in part if g is not None]
            for part in (gradients[: ends[0]], gradients[ends[0] : ends[1]], gradients[ends[1] :])
        )
        if is_real is not None:
            back = [jnp.where(is_real, g, c) for g, c in zip(back, cotangents, strict=True)]
        return back, of_statics, of_cut

    def chunk(self, virtual_stage: Any) -> Arrays:
        """The stacked operands of one of the device's virtual stages, each [depth, ...]."""
        if self.layout.repeats == 1:
            return [value[0] for value in self.stacked]
        repeat = virtual_stage // self.layout.stages
        return [jax.lax.dynamic_index_in_dim(value, repeat, 0, keepdims=False) for value in self.stacked]

    def place(self, virtual_stage: Any, at: Any) -> tuple[Any, Any]:
        """The number of a layer in the model, and whether it is one; None where all of them are."""
        if self.layout.is_even:
            return virtual_stage * self.layout.depth + at, None
        starts, counts = jnp.array(self.layout.starts), jnp.array(self.layout.counts)
        is_real = at < counts[virtual_stage]
        return jnp.minimum(starts[virtual_stage] + at, self.layout.layers - 1), is_real


@dataclass(frozen=True)
class Totals:
    """Gradients added up: of the layers' float statics, and of stacked operands [repeats, depth, ...].

    What a virtual stage gives is added where `is_due`; else nothing is, not even NaN.
    """

    statics: Arrays
    stacked: Arrays
    virtual_stage: Any
    repeat: Any
    is_due: Any

    def add(
        self, of_statics: Arrays, of_stacked: Arrays, gradients: Sequence[Arrays], at: Any
    ) -> tuple[Arrays, Arrays]:
        """Both totals with one layer's gradients, the layer at depth `at`."""
        added = [
            total + jnp.where(self.is_due, gradient, 0).astype(total.dtype)
            for total, gradient in zip(of_statics, gradients[0], strict=True)
        ]
        stacked = [
            total.at[self.repeat, at].add(jnp.where(self.is_due, gradient, 0).astype(total.dtype))
            for total, gradient in zip(of_stacked, gradients[1], strict=True)
        ]
        return added, stacked
