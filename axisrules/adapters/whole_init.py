"""Initialisers that hold a whole array on every device: factorisations, which XLA does not cut."""

from collections.abc import Callable, Iterator
from typing import Any

import jax

from axisrules.diagnostics import Diagnostic, catalog

# An orthogonal initialiser makes one of these of a whole matrix.
FACTORISATIONS = frozenset(
    {"qr", "geqrf", "geqp3", "householder_product", "svd", "eigh", "eig", "schur", "lu"}
)


def whole_inits(init: Callable[[jax.Array], Any]) -> Iterator[Diagnostic]:
    """A warning (AXR325) for every shape of matrix that `init(key)` factorises."""
    jaxpr = jax.make_jaxpr(init)(jax.eval_shape(jax.random.key, 0))
    for primitive, shape in dict.fromkeys(_factorised(jaxpr.jaxpr)):
        why = f"`{primitive}` works on a whole array of shape {list(shape)}, on every device"
        fix = "initialise with truncated_normal or lecun_normal where one device cannot hold it"
        yield catalog.WHOLE_INIT.at(subject="init", why=why, fix=fix)


def _factorised(jaxpr: Any) -> Iterator[tuple[str, tuple[int, ...]]]:
    for equation in jaxpr.eqns:
        if equation.primitive.name in FACTORISATIONS:
            yield equation.primitive.name, tuple(equation.invars[0].aval.shape)
        for inner in _inner(equation):
            yield from _factorised(inner)


def _inner(equation: Any) -> Iterator[Any]:
    """The jaxprs that an equation runs."""
    for value in equation.params.values():
        for part in value if isinstance(value, tuple | list) else (value,):
            opened = getattr(part, "jaxpr", part)
            if hasattr(opened, "eqns"):
                yield opened
