"""Equal layers that stand in a list, one after the other in a trace, as a loop over stacked weights."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var, jaxpr_as_fun

from axisrules.memory import module_path, numbered_layers
from axisrules.pipeline.trace import Trace, aval
from axisrules.pipeline.work import flops

Path = tuple[str, ...]
# (equation, result) of a layer: where in its equations a value is made.
Place = tuple[int, int]


@dataclass(frozen=True)
class Unlike:
    """Why layers cannot be taken as one loop: the first difference that was found."""

    why: str


@dataclass(frozen=True, eq=False)
class Row:
    """Layers in a row of a trace: `count` times `period` equations from the one at `first`."""

    trace: Trace
    names: tuple[str, ...]
    first: int
    period: int

    @property
    def count(self) -> int:
        """How many layers there are."""
        return len(self.names)

    @cached_property
    def layers(self) -> list[tuple[JaxprEqn, ...]]:
        """The equations of every layer."""
        eqns, starts = self.trace.jaxpr.eqns, (self.first + i * self.period for i in range(self.count))
        return [tuple(eqns[start : start + self.period]) for start in starts]

    @cached_property
    def place_of(self) -> dict[Var, tuple[int, Place]]:
        """The layer that makes a value, and where in it."""
        return {
            var: (i, (j, k))
            for i, layer in enumerate(self.layers)
            for j, eqn in enumerate(layer)
            for k, var in enumerate(eqn.outvars)
        }

    @cached_property
    def used_later(self) -> dict[Var, None]:
        """What the layers make that is read after them."""
        end = self.first + self.count * self.period
        read = [atom for eqn in self.trace.jaxpr.eqns[end:] for atom in eqn.invars]
        read += self.trace.jaxpr.outvars
        return {atom: None for atom in read if isinstance(atom, Var) and atom in self.place_of}


@dataclass(frozen=True, eq=False)
class Rolled:
    """What the layers of a row read: all the same (`shared`), what is handed on, or each its `own`.

    `own` and `handed` are by (equation, operand); `handed` has the place at which the layer before makes
    what is read, and `starts` what the first layer reads there.
    """

    row: Row
    shared: dict[Var, None]
    handed: dict[tuple[int, int], Place]
    starts: dict[Place, Any]
    own: dict[tuple[int, int], tuple[Any, ...]]

    @cached_property
    def body(self) -> ClosedJaxpr:
        """(shared, carry, own) to (carry, what is read later of each layer)."""
        first = self.row.layers[0]
        shared = {var: Var(aval(var)) for var in self.shared}
        carry = {place: Var(aval(atom)) for place, atom in self.starts.items()}
        known = {key: carry[place] for key, place in self.handed.items()}
        own = {key: Var(aval(atoms[0])) for key, atoms in self.own.items()}
        eqns = [
            eqn.replace(
                invars=[_renamed(atom, (j, at), known | own, shared) for at, atom in enumerate(eqn.invars)]
            )
            for j, eqn in enumerate(first)
        ]
        places = [*self.starts, *self.collected]
        made = self.row.trace.jaxpr.replace(
            constvars=[],
            invars=[*shared.values(), *carry.values(), *own.values()],
            eqns=eqns,
            outvars=[first[j].outvars[k] for j, k in places],
            effects=frozenset().union(*(eqn.effects for eqn in eqns)),
            debug_info=self.row.trace.jaxpr.debug_info.with_unknown_names(),
        )
        return ClosedJaxpr(made, ())

    @cached_property
    def collected(self) -> list[Place]:
        """What is read later of other layers than the last, or is not handed on."""
        last = self.row.count - 1
        found = (self.row.place_of[var] for var in self.row.used_later)
        return list(dict.fromkeys(place for i, place in found if i != last or place not in self.starts))

    def function(self) -> Callable[..., list[Any]]:
        """What the whole trace computes, its layers as a loop."""
        trace, row = self.row.trace, self.row
        invars = list(trace.jaxpr.invars)
        stacks = list(self.own.values())
        given = [*self.shared, *self.starts.values(), *(atom for atoms in stacks for atom in atoms)]
        later = list(row.used_later)
        early = self._read_again()
        before = trace.function_of(invars, [*given, *early])
        after = trace.function_of([*invars, *early, *later], trace.jaxpr.outvars)
        body = jaxpr_as_fun(self.body)
        ends = len(self.shared), len(self.shared) + len(self.starts)

        def run(*arguments: Any) -> list[Any]:
            made = before(*arguments)
            shared, carry, rows = made[: ends[0]], made[ends[0] : ends[1]], iter(made[ends[1] : len(given)])
            stacked = [jnp.stack([next(rows) for _ in atoms]) for atoms in stacks]

            def layer(carry: Any, own: Any) -> Any:
                results = body(*shared, *carry, *own)
                return results[: len(carry)], results[len(carry) :]

            carry, collected = jax.lax.scan(layer, carry, stacked, length=row.count)
            values = [self._result(var, carry, collected) for var in later]
            return list(after(*arguments, *made[len(given) :], *values))

        return run

    def _read_again(self) -> list[Var]:
        """What is made before the layers and read after them."""
        eqns, row = self.row.trace.jaxpr.eqns, self.row
        made = {var for eqn in eqns[: row.first] for var in eqn.outvars}
        read = [atom for eqn in eqns[row.first + row.count * row.period :] for atom in eqn.invars]
        read += self.row.trace.jaxpr.outvars
        return list(dict.fromkeys(atom for atom in read if isinstance(atom, Var) and atom in made))

    def _result(self, var: Var, carry: Sequence[Any], collected: Sequence[Any]) -> Any:
        i, place = self.row.place_of[var]
        if place in self.collected:
            return collected[self.collected.index(place)][i]
        return carry[list(self.starts).index(place)]


def roll(trace: Trace) -> Rolled | Unlike | None:
    """The row of layers in `trace` that has most of its FLOPs, as a loop; None where nothing stands in a row.

    Layers are told by the numbers in their modules' names, `layers_0` or `layers/0`.
    """
    eqns = trace.jaxpr.eqns
    paths = [module_path(eqn) for eqn in eqns]
    rows: dict[Path, dict[Path, list[int]]] = {}
    members = numbered_layers(paths, 1)
    for at, path in enumerate(paths):
        member = next((path[:end] for end in range(1, len(path) + 1) if path[:end] in members), None)
        if member:
            stem = (*member[:-1], member[-1].rstrip("0123456789"))
            rows.setdefault(stem, {}).setdefault(member, []).append(at)
    if not rows:
        return None
    row = max(rows.values(), key=lambda row: flops(eqns[at] for own in row.values() for at in own))
    found = _matched(trace, {"/".join(path): own[0] for path, own in row.items()})
    weights = {"/".join(path): _weights(trace, own) for path, own in row.items()}
    first, *others = weights
    other = next((name for name in others if weights[name] != weights[first]), None)
    if other is None or isinstance(found, Rolled):
        return found
    return Unlike(f"`{first}` reads {', '.join(weights[first])} and `{other}` {', '.join(weights[other])}")


def _weights(trace: Trace, own: Sequence[int]) -> list[str]:
    """The shapes of the arguments that some equations read."""
    read = {atom for at in own for atom in trace.jaxpr.eqns[at].invars if isinstance(atom, Var)}
    return sorted(str(aval(var)) for var in trace.jaxpr.invars if var in read)


def _matched(trace: Trace, starts: dict[str, int]) -> Rolled | Unlike:
    """The row whose members' first equations are at `starts`, wherever in between a layer begins."""
    names, at = tuple(starts), list(starts.values())
    steps = [after - before for before, after in pairwise(at)]
    if len(set(steps)) > 1:
        return _unlike_lengths(names, steps)
    period = steps[0]
    first: Rolled | Unlike | None = None
    for back in range(min(period, at[0] + 1)):
        row = Row(trace, names, at[0] - back, period)
        if row.first + row.count * period > len(trace.jaxpr.eqns):
            continue
        found = _rolled(row)
        if isinstance(found, Rolled):
            return found
        first = first or found
    return first or Unlike(f"`{names[-1]}` ends before its equations do")


def _unlike_lengths(names: Sequence[str], steps: Sequence[int]) -> Unlike:
    other = next(i for i, step in enumerate(steps) if step != steps[0])
    return Unlike(
        f"`{names[0]}` takes {steps[0]} equations up to the next layer, and `{names[other]}` {steps[other]}"
    )


def _rolled(row: Row) -> Rolled | Unlike:
    for i, layer in enumerate(row.layers[1:], start=1):
        for one, other in zip(row.layers[0], layer, strict=True):
            if not _is_alike(one, other):
                return Unlike(
                    f"`{row.names[0]}` and `{row.names[i]}` differ: {_shown(one)} and {_shown(other)}"
                )
    made = Rolled(row, {}, {}, {}, {})
    for j, eqn in enumerate(row.layers[0]):
        for at in range(len(eqn.invars)):
            why = _read(made, (j, at), [layer[j].invars[at] for layer in row.layers])
            if why:
                return Unlike(why)
    return made


def _read(made: Rolled, key: tuple[int, int], atoms: Sequence[Any]) -> str:
    """Note how the layers read one operand of one equation, in order; why they cannot, or ""."""
    row, first = made.row, atoms[0]
    inside = [row.place_of.get(atom) if isinstance(atom, Var) else None for atom in atoms]
    if inside[0]:
        within = all(found == (i, inside[0][1]) for i, found in enumerate(inside))
        return "" if within else f"`{row.names[0]}` reads {aval(first)} of itself, and another layer does not"
    if not any(inside):
        if all(isinstance(atom, Literal) for atom in atoms):
            if any(atom.val != first.val for atom in atoms):
                made.own[key] = tuple(atoms)
        elif all(atom is first for atom in atoms):
            made.shared[first] = None
        else:
            made.own[key] = tuple(atoms)
        return ""
    if inside[1] is None or any(found != (i, inside[1][1]) for i, found in enumerate(inside[1:])):
        return f"`{row.names[-1]}` reads {aval(first)} of another layer than the one before it"
    place = inside[1][1]
    made.handed[key] = place
    start = made.starts.setdefault(place, first)
    is_same = start is first or (
        isinstance(start, Literal) and isinstance(first, Literal) and start.val == first.val
    )
    return "" if is_same else f"`{row.names[0]}` starts from two values where later layers read one"


def _renamed(
    atom: Any, key: tuple[int, int], known: dict[tuple[int, int], Var], shared: dict[Var, Var]
) -> Any:
    if key in known:
        return known[key]
    return atom if isinstance(atom, Literal) else shared.get(atom, atom)


def _is_alike(one: JaxprEqn, other: JaxprEqn) -> bool:
    """Whether two equations compute the same of operands of the same shapes."""
    if one.primitive is not other.primitive or len(one.invars) != len(other.invars):
        return False
    shapes = zip((*one.invars, *one.outvars), (*other.invars, *other.outvars), strict=True)
    if any(aval(a).shape != aval(b).shape or aval(a).dtype != aval(b).dtype for a, b in shapes):
        return False
    if one.params.keys() != other.params.keys():
        return False
    return all(_is_same(value, other.params[key]) for key, value in one.params.items())


def _is_same(one: Any, other: Any) -> bool:
    """Whether two parameters of equations are; functions are traced anew for each layer, and not compared."""
    if isinstance(one, Jaxpr | ClosedJaxpr):
        return str(one) == str(other)
    is_function = callable(one) or hasattr(one, "call_wrapped")  # JAX wraps rules of derivatives so
    return is_function or bool(one == other) or repr(one) == repr(other)  # NaN is equal to nothing


def _shown(eqn: JaxprEqn) -> str:
    shapes = ", ".join(str(aval(atom)) for atom in eqn.invars)
    return f"`{eqn.primitive.name}` of {shapes}"
