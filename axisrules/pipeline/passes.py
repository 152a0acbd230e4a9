"""A group of layers in passes: forward, backward for what travels, and backward for its weights.

All are traced at once and the equations are dealt out. What a later pass needs of an earlier one is handed
over, unless it is had for nothing: from weights, which are there anyway, by looking at something that is
handed over in another way, or by a few operations on each element of what is.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import JaxprEqn, Var

from axisrules.memory import OFFLOADED
from axisrules.pipeline.floats import Arrays, is_float
from axisrules.pipeline.layers import Layers, Totals, chosen
from axisrules.pipeline.trace import VIEWS, Trace, aval, trace

# Beside views, these give their operand in another form.
FORMS = VIEWS | {"transpose", "convert_element_type"}
# And these take less time on an element than it takes to put it away and to fetch it again.
ELEMENTWISE = frozenset(
    {"add", "sub", "mul", "div", "neg", "max", "min", "select_n", "integer_pow", "square", "sqrt", "rsqrt"}
    | {"exp", "log", "tanh", "logistic"}
)


@dataclass(frozen=True, eq=False)
class Passes:
    """The passes of `layers`; `statics` are arrays, `fresh` and `travels` shapes will do."""

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
        """One group: (statics, fresh, slices, what travelled, cotangents, place) to results and gradients."""
        place = [jnp.zeros((), jnp.int32), jnp.zeros((), bool)]
        cut = self.layers.one_shape()
        arguments = [*self.statics, *self.fresh, *cut, *self.travels, *self.floats, *place]
        return trace(self._pull, *(jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in arguments))

    def _pull(self, *arguments: Any) -> Arrays:
        left, parts = list(arguments), []
        for size in self._sizes:
            parts.append(left[:size])
            left = left[size:]
        number, is_real = left
        results, back, of_statics, of_cut = self.layers.pull(*parts, number)  # type: ignore[call-arg]
        if not self.layers.layout.is_even:  # a layer that is none does nothing, whatever it computes
            results = chosen(is_real, results, parts[3])
            back = chosen(is_real, back, parts[4])
            of_statics, of_cut = ([jnp.where(is_real, g, 0) for g in part] for part in (of_statics, of_cut))
        return [*results, *back, *of_statics, *of_cut]

    @property
    def _sizes(self) -> tuple[int, ...]:
        parts = (self.statics, self.fresh, self.layers.stacked, self.travels, self.floats)
        return tuple(map(len, parts))

    @cached_property
    def _outs(self) -> tuple[list[Any], list[Any], list[Any]]:
        """What the three passes give: what travels on, its gradients, and those of weights."""
        outs, first = list(self.traced.jaxpr.outvars), len(self.travels)
        second = first + len(self.floats)
        return outs[:first], outs[first:second], outs[second:]

    @cached_property
    def again(self) -> list[Var]:
        """The arguments that every pass has anew: statics, fresh operands, slices and the place."""
        invars = self.traced.jaxpr.invars
        return [*invars[: sum(self._sizes[:3])], *invars[-2:]]

    @cached_property
    def _travelling(self) -> list[Var]:
        """The arguments that travel, and their cotangents."""
        return list(self.traced.jaxpr.invars[sum(self._sizes[:3]) : -2])

    @cached_property
    def _moved(self) -> set[Var]:
        """The values that depend on more than what every pass has anew."""
        moved = set(self._travelling)
        for eqn in self.traced.jaxpr.eqns:
            if any(isinstance(atom, Var) and atom in moved for atom in eqn.invars):
                moved |= set(eqn.outvars)
        return moved

    @cached_property
    def saved(self) -> list[Var]:
        """What the forward pass keeps for the backward passes, for every group."""
        passing = set(self.passing)
        outs = [*self._outs[1], *self._outs[2]]
        early = () if self.layers.is_recomputed else self._ids(self._outs[0], ())
        found = self.handed(outs, early, self._cotangents)
        return [var for var in found if var not in passing]

    @cached_property
    def outside(self) -> set[int]:
        """Which of `saved` wait in the host's memory: every form of what a policy has named so."""
        named = {
            form
            for eqn in self.traced.jaxpr.eqns
            if eqn.primitive.name == "name" and eqn.params["name"] == OFFLOADED
            for form in self._forms_of(eqn.outvars[0])
        }
        return {at for at, var in enumerate(self.saved) if not named.isdisjoint(self._forms_of(var))}

    def _forms_of(self, var: Any) -> Iterator[Var]:
        """A value, and what it is another form of; JAX rounds what it saves to the width that it has."""
        while isinstance(var, Var):
            yield var
            eqn = self.traced.maker.get(var)
            var = eqn.invars[0] if eqn and eqn.primitive.name in FORMS | {"reduce_precision"} else None

    @cached_property
    def passing(self) -> list[Var]:
        """What travels through all layers unchanged: kept once for all groups."""
        ends = self.layers.carry, self.layers.carry + len(self.layers.parts.split.extras)
        return self._travelling[slice(*ends)]

    @cached_property
    def parked(self) -> list[Var]:
        """What the backward pass leaves for that of the weights."""
        early = self._ids(self._outs[1], [*self.saved, *self.passing])
        if not self.layers.is_recomputed:
            early |= self._ids(self._outs[0], ())
        return self.handed(self._outs[2], early, ())

    @property
    def _cotangents(self) -> list[Var]:
        return self._travelling[len(self.travels) :]

    def _ids(self, outs: Sequence[Any], given: Sequence[Var]) -> set[int]:
        return {id(eqn) for eqn in self.traced.needed(outs, set(given))}

    def handed(self, outs: Sequence[Any], early: Collection[int], given: Sequence[Var]) -> list[Var]:
        """What else a pass needs that makes `outs` from what it is `given`, without the equations `early`."""
        known = {*self.again, *self.traced.constvars, *given}
        found: dict[Var, None] = {}
        waiting = [atom for atom in outs if isinstance(atom, Var)]
        seen = set(waiting)
        while waiting:
            var = waiting.pop()
            eqn = self.traced.maker.get(var)
            if eqn is None or (id(eqn) in early and not self.is_free(eqn)):
                if var not in known:
                    found[var] = None
                continue
            inner = {atom: None for atom in eqn.invars if isinstance(atom, Var) and atom not in seen}
            seen |= set(inner)
            waiting += inner
        return self._thinned(found, known)

    def _thinned(self, found: dict[Var, None], known: set[Var]) -> list[Var]:
        """`found` without what is soon made again of the rest of it; what was made last is tried first."""
        kept = set(found)
        order = {var: at for at, eqn in enumerate(self.traced.jaxpr.eqns) for var in eqn.outvars}
        for var in sorted(found, key=lambda var: order.get(var, -1), reverse=True):
            if self._is_soon_made(var, known | (kept - {var}), {}):
                kept.remove(var)
        return [var for var in found if var in kept]

    def _is_soon_made(self, var: Var, given: set[Var], answers: dict[Var, bool]) -> bool:
        """Whether elementwise work alone leads to `var` from what is given, or had anyway."""
        if var not in answers:
            eqn = self.traced.maker.get(var)
            answers[var] = eqn is not None and eqn.primitive.name in FORMS | ELEMENTWISE
            answers[var] = answers[var] and all(
                atom in given or atom not in self._moved or self._is_soon_made(atom, given, answers)
                for atom in (eqn.invars if eqn else ())
                if isinstance(atom, Var)
            )
        return answers[var]

    def is_free(self, eqn: JaxprEqn) -> bool:
        """Whether the result of `eqn` is not worth keeping."""
        if self._moved.isdisjoint(eqn.outvars):
            return True
        (source, *_), (result, *_) = eqn.invars, eqn.outvars
        is_smaller = aval(source).dtype.itemsize <= aval(result).dtype.itemsize
        return eqn.primitive.name in FORMS and is_smaller

    def saved_shapes(self) -> Arrays:
        """What `forward` keeps: `saved` for every group, and what passes through."""
        return [*self._deep(self.saved), *(var.aval for var in self.passing)]

    def parked_shapes(self) -> Arrays:
        """What is parked between the backward passes."""
        return self._deep(self.parked)

    def _deep(self, variables: Sequence[Var]) -> Arrays:
        groups = self.layers.groups
        return [jax.ShapeDtypeStruct((groups, *aval(var).shape), aval(var).dtype) for var in variables]

    def forward(self, fresh: Sequence[Any], travels: Arrays, virtual_stage: Any) -> tuple[Arrays, Arrays]:
        """What travels on, and what the backward passes need."""
        count, ends = len(travels), (self.layers.carry, self.layers.carry + len(self.passing))
        given = [*self.again, *self._travelling[:count]]
        run = self.traced.function_of(given, [*self._outs[0], *self.saved])

        def group(travels: Arrays, turn: tuple[Arrays, Any]) -> tuple[Arrays, Arrays]:
            made = run(*self._anew(fresh, turn[0], virtual_stage, turn[1]), *travels)
            return made[:count], made[count:]

        results, saved = jax.lax.scan(group, travels, self._turns(virtual_stage))
        return results, [*saved, *travels[slice(*ends)]]

    def backward(
        self, fresh: Sequence[Any], saved: Arrays, cotangents: Arrays, totals: Totals
    ) -> tuple[Arrays, Totals]:
        """Gradients of what travelled in, and `totals` with those of statics and stacked operands added.

        `cotangents` and the first result have an entry for every float among what travels.
        """
        run = self._after_forward([*self._outs[1], *self._outs[2]])
        deep, passing = saved[: len(self.saved)], saved[len(self.saved) :]
        ends = len(self.floats), len(self.floats) + len(totals.statics)

        def group(
            so_far: tuple[Arrays, Arrays, Arrays], turn: Any
        ) -> tuple[tuple[Arrays, Arrays, Arrays], None]:
            cotangents, of_statics, of_stacked = so_far
            (cut, at), own = turn
            made = run(*self._anew(fresh, cut, totals.virtual_stage, at), *own, *passing, *cotangents)
            gradients = [made[ends[0] : ends[1]], made[ends[1] :]]
            return (made[: ends[0]], *totals.add(of_statics, of_stacked, gradients, at)), None

        turns = (self._turns(totals.virtual_stage), deep)
        start = (cotangents, totals.statics, totals.stacked)
        (back, of_statics, of_stacked), _ = jax.lax.scan(group, start, turns, reverse=True)
        return back, replace(totals, statics=of_statics, stacked=of_stacked)

    def backward_first(
        self, fresh: Sequence[Any], saved: Arrays, cotangents: Arrays, virtual_stage: Any
    ) -> tuple[Arrays, Arrays]:
        """The gradients of what travelled in, and what to park for `backward_second`."""
        run = self._after_forward([*self._outs[1], *self.parked])
        deep, passing = saved[: len(self.saved)], saved[len(self.saved) :]

        def group(cotangents: Arrays, turn: Any) -> tuple[Arrays, Arrays]:
            (cut, at), own = turn
            made = run(*self._anew(fresh, cut, virtual_stage, at), *own, *passing, *cotangents)
            return made[: len(self.floats)], made[len(self.floats) :]

        return jax.lax.scan(group, cotangents, (self._turns(virtual_stage), deep), reverse=True)

    def backward_second(self, fresh: Sequence[Any], parked: Arrays, totals: Totals) -> Totals:
        """`totals` with the gradients of statics and of the stacked operands added, from what was parked."""
        run = self.traced.function_of([*self.again, *self.parked], self._outs[2])
        count = len(totals.statics)

        def group(so_far: tuple[Arrays, Arrays], turn: Any) -> tuple[tuple[Arrays, Arrays], None]:
            (cut, at), handed = turn
            made = run(*self._anew(fresh, cut, totals.virtual_stage, at), *handed)
            return totals.add(*so_far, [made[:count], made[count:]], at), None

        turns = (self._turns(totals.virtual_stage), parked)
        (of_statics, of_stacked), _ = jax.lax.scan(group, (totals.statics, totals.stacked), turns)
        return replace(totals, statics=of_statics, stacked=of_stacked)

    def _after_forward(self, outs: Sequence[Any]) -> Any:
        return self.traced.function_of([*self.again, *self.saved, *self.passing, *self._cotangents], outs)

    def _turns(self, virtual_stage: Any) -> tuple[Arrays, Any]:
        return self.layers.chunk(virtual_stage), jnp.arange(self.layers.groups)

    def _anew(self, fresh: Sequence[Any], cut: Arrays, virtual_stage: Any, at: Any) -> Arrays:
        number, is_real = self.layers.place(virtual_stage, at)
        place = [jnp.asarray(number, jnp.int32), jnp.asarray(True if is_real is None else is_real)]
        return [*self.statics, *fresh, *cut, *place]
