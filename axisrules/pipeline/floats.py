"""Gradients for the inexact ones among some arrays; the others are constants."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

Arrays = list[Any]
# Cotangents of the results, None for those that have none, to gradients, None likewise.
Pull = Callable[[Sequence[Any]], Arrays]


def is_float(array: Any) -> bool:
    """Whether an array can have a gradient."""
    return bool(jnp.issubdtype(array.dtype, jnp.inexact))


def float_vjp(function: Callable[..., Sequence[Any]], *arguments: Any) -> tuple[Arrays, Pull]:
    """The results of `function`, and how cotangents of them become gradients of its arguments."""
    places = [at for at, argument in enumerate(arguments) if is_float(argument)]

    def of_floats(*floats: Any) -> tuple[Arrays, Arrays]:
        filled = list(arguments)
        for at, value in zip(places, floats, strict=True):
            filled[at] = value
        results = list(function(*filled))
        return [r for r in results if is_float(r)], results

    results, pull_floats, everything = jax.vjp(of_floats, *(arguments[at] for at in places), has_aux=True)
    del results

    def pull(cotangents: Sequence[Any]) -> Arrays:
        pairs = zip(cotangents, everything, strict=True)
        wanted = [_cotangent(given, result) for given, result in pairs if is_float(result)]
        gradients: Arrays = [None] * len(arguments)
        for at, gradient in zip(places, pull_floats(wanted), strict=True):
            gradients[at] = gradient
        return gradients

    return everything, pull


def _cotangent(given: Any, result: Any) -> Any:
    return jnp.zeros_like(result) if given is None else given.astype(result.dtype)


def wide(array: Any) -> Any:
    """Zeros of an array's shape, in the float32 (or wider) in which gradients add up."""
    return jnp.zeros(array.shape, jnp.promote_types(array.dtype, jnp.float32))
