"""A traced function as flat equations whose values have the same names whatever the batch's size is."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import zip_longest
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var, jaxpr_as_fun

from axisrules.diagnostics import AxisRulesError, catalog

# ("in", i, 0) is an argument, ("op", n, j) the result j of equation n, ("operand", i, 0) and ("loop", j, 0)
# what the layer loop takes and gives, ("out", i, 0) a result of the whole function.
Name = tuple[str, int, int]

# Equations that only look at their operand in another way. How many there are depends on sizes (a batch
# of one row needs fewer), so that they are not counted, and whoever reads one makes it again.
VIEWS = frozenset({"broadcast_in_dim", "reshape", "squeeze", "sharding_constraint", "name", "copy", "copy_p"})
CALLS = frozenset({"jit", "pjit", "closed_call", "core_call"})
REMAT = frozenset({"remat", "remat2", "checkpoint"})
LOOP = "scan"


@dataclass(frozen=True, slots=True)
class Loop:
    """A scan equation, its operands told apart by what the body sees of them.

    The first `consts` operands are the same in every turn, the next `carry` are handed on, and the others
    are cut along dim 0, a slice for each turn.
    """

    eqn: JaxprEqn
    consts: int
    carry: int

    @property
    def length(self) -> int:
        """How often it turns."""
        return int(self.eqn.params["length"])

    @property
    def body(self) -> ClosedJaxpr:
        """What one turn does: (consts, carry, slices) to (carry, slices)."""
        closed: ClosedJaxpr = self.eqn.params["jaxpr"]
        return closed


@dataclass(frozen=True, eq=False)
class Trace:
    """Equations in order, calls taken apart; `loop_at` is the place of the layer loop among them.

    `constvars` stand for `consts`, the arrays that the function has of its own, and are no part of `jaxpr`:
    JAX 0.12 would put them before its inputs.
    """

    jaxpr: Jaxpr
    constvars: tuple[Var, ...]
    consts: tuple[Any, ...]
    loop_at: int | None = None
    # Whether the loop is one that a list of layers was made into.
    is_rolled: bool = False

    @cached_property
    def loop(self) -> Loop:
        """The layer loop."""
        assert self.loop_at is not None, "asked of a trace that has one"
        return read_loop(self.jaxpr.eqns[self.loop_at])

    @cached_property
    def counted(self) -> tuple[JaxprEqn, ...]:
        """The equations that have numbers."""
        return tuple(eqn for eqn in self.jaxpr.eqns if eqn.primitive.name not in VIEWS)

    @cached_property
    def maker(self) -> dict[Var, JaxprEqn]:
        """The equation that gives each value."""
        return {var: eqn for eqn in self.jaxpr.eqns for var in eqn.outvars}

    @cached_property
    def name_of(self) -> dict[Var, Name]:
        """The name of every value that has one; a view has that of what it looks at."""
        names: dict[Var, Name] = {var: ("in", i, 0) for i, var in enumerate(self.jaxpr.invars)}
        number = 0
        for at, eqn in enumerate(self.jaxpr.eqns):
            if eqn.primitive.name in VIEWS:
                source = eqn.invars[0]
                if isinstance(source, Var) and source in names:
                    names[eqn.outvars[0]] = names[source]
                continue
            kind = "loop" if at == self.loop_at else "op"
            for j, var in enumerate(eqn.outvars):
                names[var] = ("loop", j, 0) if kind == "loop" else ("op", number, j)
            number += 1
        return names

    def atom(self, name: Name) -> Any:
        """The value or literal of that name."""
        kind, number, result = name
        if kind == "in":
            return self.jaxpr.invars[number]
        if kind == "out":
            return self.jaxpr.outvars[number]
        if kind == "operand":
            return self.loop.eqn.invars[number]
        if kind == "loop":
            return self.loop.eqn.outvars[number]
        return self.counted[number].outvars[result]

    def function(self, given: Sequence[Name], wanted: Sequence[Name]) -> Callable[..., list[Any]]:
        """A function of the values `given` to the list of those `wanted`; it computes nothing else."""
        return self.function_of([self.atom(name) for name in given], [self.atom(name) for name in wanted])

    def function_of(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> Callable[..., list[Any]]:
        """The same for variables of the trace in the place of names."""
        fresh = [Var(atom.aval) for atom in inputs]
        known = {a: f for a, f in zip(inputs, fresh, strict=True) if isinstance(a, Var)}
        eqns = list(self.needed(outputs, set(known)))
        made = self.jaxpr.replace(
            invars=[*self.constvars, *fresh],
            eqns=[eqn.replace(invars=[_renamed(atom, known) for atom in eqn.invars]) for eqn in eqns],
            outvars=[_renamed(atom, known) for atom in outputs],
            effects=frozenset().union(*(eqn.effects for eqn in eqns)),
            debug_info=self.jaxpr.debug_info,
        )
        return partial(jaxpr_as_fun(ClosedJaxpr(made, ())), *self.consts)

    def reads(self, given: Sequence[Name], wanted: Sequence[Name]) -> tuple[Name, ...]:
        """Those of the values `given` that the values `wanted` are computed from."""
        inputs = [(name, self.atom(name)) for name in given]
        known = {atom for _, atom in inputs if isinstance(atom, Var)}
        outputs = [self.atom(name) for name in wanted]
        read = {atom for atom in outputs if isinstance(atom, Var)}
        for eqn in self.needed(outputs, known):
            read |= {atom for atom in eqn.invars if isinstance(atom, Var)}
        return tuple(name for name, atom in inputs if isinstance(atom, Var) and atom in read)

    def like(self, other: "Trace") -> "Trace":
        """This trace with its layer loop where `other` has it; AXR755 where they differ beyond views."""
        mine, theirs = ([eqn.primitive.name for eqn in one.counted] for one in (self, other))
        if mine != theirs:
            pairs = zip_longest(mine, theirs, fillvalue="nothing")
            at, (own, whole) = next((at, pair) for at, pair in enumerate(pairs) if pair[0] != pair[1])
            why = f"equation {at} is `{own}` for a microbatch and `{whole}` for the whole batch"
            raise AxisRulesError([catalog.NO_LAYER_LOOP.at(why=why)])
        number = next(n for n, eqn in enumerate(other.counted) if eqn is other.loop.eqn)
        at = next(at for at, eqn in enumerate(self.jaxpr.eqns) if eqn is self.counted[number])
        return replace(self, loop_at=at)

    def needed(self, outputs: Iterable[Any], known: set[Var]) -> Iterator[JaxprEqn]:
        """The equations, in order, that `outputs` take; `known` and the arguments are there already."""
        wanted = {atom for atom in outputs if isinstance(atom, Var)} - known
        kept = []
        for eqn in reversed(self.jaxpr.eqns):
            if wanted.isdisjoint(eqn.outvars):
                continue
            kept.append(eqn)
            wanted.update(var for var in eqn.invars if isinstance(var, Var) and var not in known)
        return reversed(kept)


def trace(function: Callable[..., Any], *shapes: Any) -> Trace:
    """What `function` computes of arguments of these shapes, calls to jitted functions taken apart."""
    closed = jax.make_jaxpr(function)(*shapes)
    flat = _Flat({}, [], list(closed.jaxpr.constvars), list(closed.consts))
    outvars = flat.inline(closed.jaxpr, None)
    unnamed = closed.jaxpr.debug_info.with_unknown_names()
    jaxpr = closed.jaxpr.replace(constvars=[], eqns=flat.eqns, outvars=outvars, debug_info=unnamed)
    return Trace(jaxpr, tuple(flat.constvars), tuple(flat.consts))


def aval(atom: Any) -> Any:
    """Shape and dtype of a value."""
    return atom.aval


def read_loop(eqn: JaxprEqn) -> Loop:
    """The operands of a scan: those whose shape the body sees without the leading dim are cut."""
    body = eqn.params["jaxpr"].jaxpr
    pairs = zip(eqn.invars, body.invars, strict=True)
    cut = sum(aval(outer).shape != aval(inner).shape for outer, inner in pairs)
    outs = zip(eqn.outvars, body.outvars, strict=True)
    carry = sum(aval(outer).shape == aval(inner).shape for outer, inner in outs)
    return Loop(eqn, len(eqn.invars) - cut - carry, carry)


@dataclass
class _Flat:
    """Equations with every call replaced by what it calls, each value with a variable of its own."""

    atoms: dict[Var, Any]
    eqns: list[JaxprEqn]
    constvars: list[Var]
    consts: list[Any]

    def inline(self, jaxpr: Jaxpr, scope: Any) -> list[Any]:
        """Add the equations of `jaxpr`, whose inputs have atoms already; the atoms of its results."""
        for eqn in jaxpr.eqns:
            inputs = [_renamed(atom, self.atoms) for atom in eqn.invars]
            info = eqn.source_info
            if scope is not None:
                info = info.replace(name_stack=scope + info.name_stack)
            called = _called(eqn)
            if called is None:
                outputs = [Var(var.aval) for var in eqn.outvars]
                self.eqns.append(eqn.replace(invars=inputs, outvars=outputs, source_info=info))
            else:
                outputs = self.call(called, inputs, info.name_stack)
            self.atoms.update(zip(eqn.outvars, outputs, strict=True))
        return [_renamed(atom, self.atoms) for atom in jaxpr.outvars]

    def call(self, called: Jaxpr | ClosedJaxpr, inputs: Sequence[Any], scope: Any) -> list[Any]:
        """The results of `called` on `inputs`, its equations added."""
        closed = called if isinstance(called, ClosedJaxpr) else ClosedJaxpr(called, ())
        held = [Var(var.aval) for var in closed.jaxpr.constvars]
        self.constvars += held
        self.consts += closed.consts
        outer = self.atoms
        self.atoms = dict(zip(closed.jaxpr.constvars, held, strict=True))
        self.atoms |= dict(zip(closed.jaxpr.invars, inputs, strict=True))
        outputs = self.inline(closed.jaxpr, scope)
        self.atoms = outer
        return outputs


def _called(eqn: JaxprEqn) -> Any:
    """The jaxpr of a call that is taken apart; a rematerialized one only for the loop that it holds."""
    name = eqn.primitive.name
    if name in CALLS:
        return eqn.params.get("jaxpr", eqn.params.get("call_jaxpr"))
    if name in REMAT and any(inner.primitive.name == LOOP for inner in eqn.params["jaxpr"].eqns):
        return eqn.params["jaxpr"]
    return None


def _renamed(atom: Any, names: dict[Var, Any]) -> Any:
    return atom if isinstance(atom, Literal) else names.get(atom, atom)
