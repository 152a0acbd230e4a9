"""What differs between versions of JAX, in one place: how an equation holds the jaxprs of its bodies.

JAX 0.10 has ClosedJaxpr beside Jaxpr, and `num_consts` and `num_carry` on a scan; 0.12 has neither. It has
primitives that hold no jaxpr and know how to expand into one instead (`call_hi_primitive`).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import jax


def bodies(equation: Any) -> Iterator[tuple[str, Any]]:
    """The jaxprs among an equation's parameters, by the parameter's name; those in tuples too."""
    for name, value in equation.params.items():
        for part in value if isinstance(value, tuple) else (value,):
            if hasattr(opened(part), "eqns"):
                yield name, opened(part)
        if hasattr(value, "expand") and hasattr(value, "in_tree"):
            arguments = jax.tree.unflatten(value.in_tree, [variable.aval for variable in equation.invars])
            yield name, opened(jax.make_jaxpr(value.expand)(*arguments))


def opened(jaxpr: Any) -> Any:
    """The jaxpr itself, of a closed one or of an open one."""
    return getattr(jaxpr, "jaxpr", jaxpr)


def constants_of(jaxpr: Any) -> Sequence[Any]:
    """The constants that a closed jaxpr has at hand; none of an open one."""
    return getattr(jaxpr, "consts", ())


def has_side_effect(equation: Any) -> bool:
    """Whether an equation calls out of the program: a callback, a print."""
    return "ordered" in equation.params or "callback" in equation.primitive.name


def is_ordered(equation: Any) -> bool:
    """Whether the calls of a side effect keep their order."""
    return any(type(effect).__name__.startswith("Ordered") for effect in equation.effects)


def rank(variable: Any) -> int:
    """The number of dims of a variable or literal; 0 for tokens and the like."""
    return len(getattr(variable.aval, "shape", ()))


def scan_parts(equation: Any) -> tuple[Any, int, int]:
    """A scan's body, how many of its operands are constants, and how many it carries along.

    Told by rank: what is scanned over, and what is stacked up, has one dim more outside than inside.
    """
    body = opened(equation.params["jaxpr"])
    carried = _leading_equal(equation.outvars, body.outvars)
    scanned = _leading_taller(equation.invars[::-1], body.invars[::-1])
    return body, len(equation.invars) - carried - scanned, carried


def _leading_equal(outside: Sequence[Any], inside: Sequence[Any]) -> int:
    for at, (outer, inner) in enumerate(zip(outside, inside, strict=True)):
        if rank(outer) != rank(inner):
            return at
    return len(outside)


def _leading_taller(outside: Sequence[Any], inside: Sequence[Any]) -> int:
    for at, (outer, inner) in enumerate(zip(outside, inside, strict=True)):
        if rank(outer) == rank(inner):
            return at
    return len(outside)
