"""A virtual stage's layers, in groups: what one group computes, and which layers it has."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp

from axisrules.pipeline.floats import Arrays, float_vjp, is_float
from axisrules.pipeline.layout import StageLayout
from axisrules.pipeline.parts import Parts


@dataclass(frozen=True, eq=False)
class Layers:
    """One device's layers: `stacked` are its operands of the loop, each [repeats, depth, ...].

    `group` layers are taken as one. Those that are `recomputed` keep nothing for the backward pass but
    their inputs; the others keep what JAX would keep, which a policy inside of the layers may lessen.
    """

    parts: Parts
    layout: StageLayout
    stacked: Arrays
    group: int = 1
    is_recomputed: bool = True

    @cached_property
    def carry(self) -> int:
        """How many of what travels is handed on from layer to layer; the others only pass through."""
        return self.parts.trace.loop.carry

    @property
    def groups(self) -> int:
        """How many groups a virtual stage has room for."""
        return self.layout.depth // self.group

    def one_shape(self) -> Arrays:
        """One group's slices of the stacked operands."""
        shapes = [
            value.shape[2:] if self.group == 1 else (self.group, *value.shape[2:]) for value in self.stacked
        ]
        return [
            jax.ShapeDtypeStruct(shape, value.dtype)
            for shape, value in zip(shapes, self.stacked, strict=True)
        ]

    def run(
        self,
        statics: Sequence[Any],
        fresh: Sequence[Any],
        cut: Sequence[Any],
        travels: Sequence[Any],
        number: Any,
    ) -> Arrays:
        """What travels out of one group, whose first layer has this number in the model."""
        if self.group == 1:
            return self.parts.layer(statics, fresh, cut, travels, number)

        def layer(travels: Arrays, turn: tuple[Any, Any]) -> tuple[Arrays, None]:
            own, at = turn
            return self.parts.layer(statics, fresh, own, travels, number + at), None

        return jax.lax.scan(layer, list(travels), (list(cut), jnp.arange(self.group)))[0]

    def forward(
        self, statics: Sequence[Any], fresh: Sequence[Any], travels: Arrays, virtual_stage: Any
    ) -> Arrays:
        """What travels out of all groups of a virtual stage."""

        def one(travels: Arrays, turn: tuple[Arrays, Any]) -> tuple[Arrays, None]:
            cut, at = turn
            number, is_real = self.place(virtual_stage, at)
            return chosen(is_real, self.run(statics, fresh, cut, travels, number), travels), None

        return jax.lax.scan(one, travels, (self.chunk(virtual_stage), jnp.arange(self.groups)))[0]

    def pull(
        self,
        statics: Sequence[Any],
        fresh: Sequence[Any],
        cut: Sequence[Any],
        travels: Sequence[Any],
        cotangents: Sequence[Any],
        number: Any,
    ) -> tuple[Arrays, Arrays, Arrays, Arrays]:
        """One group: what travels out, gradients of what travelled in, of statics and of its slices."""
        ends = (len(statics), len(statics) + len(cut))

        def run(*arguments: Any) -> Arrays:
            parts = (arguments[: ends[0]], arguments[ends[0] : ends[1]], arguments[ends[1] :])
            return self.run(parts[0], fresh, parts[1], parts[2], number)

        results, pull = float_vjp(run, *statics, *cut, *travels)
        given = iter(cotangents)
        gradients = pull([next(given) if is_float(leaf) else None for leaf in results])
        of_statics, of_cut, back = (
            [gradient for gradient in part if gradient is not None]
            for part in (gradients[: ends[0]], gradients[ends[0] : ends[1]], gradients[ends[1] :])
        )
        return results, back, of_statics, of_cut

    def chunk(self, virtual_stage: Any) -> Arrays:
        """The stacked operands of one of the device's virtual stages, each [groups, ...]."""
        if self.layout.repeats == 1:
            own = [value[0] for value in self.stacked]
        else:
            repeat = virtual_stage // self.layout.stages
            own = [jax.lax.dynamic_index_in_dim(value, repeat, 0, keepdims=False) for value in self.stacked]
        if self.group == 1:
            return own
        return [value.reshape(self.groups, self.group, *value.shape[1:]) for value in own]

    def place(self, virtual_stage: Any, at: Any) -> tuple[Any, Any]:
        """The number of a group's first layer in the model, and whether it is one; None where all are."""
        depth = at * self.group
        if self.layout.is_even:
            return virtual_stage * self.layout.depth + depth, None
        starts, counts = jnp.array(self.layout.starts), jnp.array(self.layout.counts)
        is_real = depth < counts[virtual_stage]
        return jnp.minimum(starts[virtual_stage] + depth, self.layout.layers - 1), is_real


def chosen(is_real: Any, values: Arrays, others: Sequence[Any]) -> Arrays:
    """`values` of layers that are some, `others` of those that are none; None where all are."""
    if is_real is None:
        return values
    return [jnp.where(is_real, value, other) for value, other in zip(values, others, strict=True)]


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
    group: int = 1

    def add(
        self, of_statics: Arrays, of_stacked: Arrays, gradients: Sequence[Arrays], at: Any
    ) -> tuple[Arrays, Arrays]:
        """Both totals with the gradients of one group, number `at` of its virtual stage."""
        added = [
            total + jnp.where(self.is_due, gradient, 0).astype(total.dtype)
            for total, gradient in zip(of_statics, gradients[0], strict=True)
        ]
        stacked = [
            self._added(total, jnp.where(self.is_due, gradient, 0).astype(total.dtype), at)
            for total, gradient in zip(of_stacked, gradients[1], strict=True)
        ]
        return added, stacked

    def _added(self, total: Any, gradient: Any, at: Any) -> Any:
        if self.group == 1:
            return total.at[self.repeat, at].add(gradient)
        grouped = total.reshape(total.shape[0], -1, self.group, *total.shape[2:])
        return grouped.at[self.repeat, at].add(gradient).reshape(total.shape)
