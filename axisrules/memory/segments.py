"""Runs of equations cut out of a jaxpr, each a small closed jaxpr of its own."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, Var, jaxpr_as_fun

Key = TypeVar("Key")


@dataclass(frozen=True, eq=False)
class Segment:
    """Equations that follow each other, what they read from outside, and what is read of them outside."""

    equations: tuple[Any, ...]
    inputs: tuple[Var, ...]
    outputs: tuple[Var, ...]

    def closed(self, jaxpr: Jaxpr) -> ClosedJaxpr:
        """The segment of `jaxpr` as a jaxpr of its own."""
        own = jaxpr.replace(
            constvars=[],
            invars=list(self.inputs),
            outvars=list(self.outputs),
            eqns=list(self.equations),
            debug_info=jaxpr.debug_info.with_unknown_names(),
        )
        return ClosedJaxpr(own, [])

    def function(self, jaxpr: Jaxpr) -> Callable[..., list[Any]]:
        """The segment as a function of its inputs that gives its outputs."""
        return jaxpr_as_fun(self.closed(jaxpr))


def cut(jaxpr: Jaxpr, keys: Sequence[Key]) -> Iterator[tuple[Key, Segment]]:
    """`jaxpr` as segments in order, a new one wherever the key changes; what nobody reads is left out."""
    runs: list[tuple[Key, list[Any]]] = []
    for key, equation in zip(keys, jaxpr.eqns, strict=True):
        if runs and runs[-1][0] == key:
            runs[-1][1].append(equation)
        else:
            runs.append((key, [equation]))
    wanted = set(variables(jaxpr.outvars))
    segments: list[tuple[Key, Segment]] = []
    for key, equations in reversed(runs):
        made = dict.fromkeys(variable for equation in equations for variable in equation.outvars)
        read = dict.fromkeys(variables(atom for equation in equations for atom in equation.invars))
        outputs = tuple(variable for variable in made if variable in wanted)
        inputs = tuple(variable for variable in read if variable not in made)
        if outputs or any(equation.effects for equation in equations):
            wanted.update(inputs)
            segments.append((key, Segment(tuple(equations), inputs, outputs)))
    yield from reversed(segments)


def variables(atoms: Iterable[Any]) -> Iterator[Var]:
    """The atoms that are no literals."""
    return (atom for atom in atoms if not isinstance(atom, Literal))


def evaluate(
    jaxpr: Jaxpr,
    values: Sequence[Any],
    keys: Sequence[Key],
    run: Callable[[Key, Segment, list[Any]], Sequence[Any]],
) -> list[Any]:
    """The results of `jaxpr` on `values` (constants first), every segment computed by `run`."""
    known = dict(zip((*jaxpr.constvars, *jaxpr.invars), values, strict=True))
    for key, segment in cut(jaxpr, keys):
        results = run(key, segment, [known[variable] for variable in segment.inputs])
        known.update(zip(segment.outputs, results, strict=True))
    return [atom.val if isinstance(atom, Literal) else known[atom] for atom in jaxpr.outvars]
