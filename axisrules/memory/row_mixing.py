"""Whether a loss lets the rows of a batch meet one another: then its parts are not those of the whole.

A contrastive loss holds every row against every other one, and a part of the batch has fewer others. It is
told from the same program traced for two numbers of rows: dims whose sizes differ are dims of rows.
"""

from collections.abc import Iterator
from typing import Any

from jax.extend.core import Jaxpr, JaxprEqn, Var, jaxprs_in_params

# Loops over layers and over time; a mixture of experts in one has as many places as there are rows.
LOOPS = ("scan", "while")


def mixing(eqn: JaxprEqn, twin: JaxprEqn, *, is_square: bool = False) -> JaxprEqn | None:
    """The equation by which rows meet: `eqn`, or one in a call that it makes; None where they do not.

    `twin` is the same equation for another number of rows. With `is_square` two dims of rows in one array
    must be alike, as those of a row with every other, to count.
    """
    if eqn.primitive.name not in LOOPS:
        inner = zip(jaxprs_in_params(eqn.params), jaxprs_in_params(twin.params), strict=False)
        for one, other in inner:
            found = next(all_mixing(one, other, is_square=is_square), None)
            if found is not None:
                return found
    meets = any(
        len(_row_dims(one, other)) > 1 and (not is_square or _is_square(one, other))
        for one, other in zip(eqn.outvars, twin.outvars, strict=True)
    )
    return eqn if meets or _moves_rows(eqn, twin) else None


def all_mixing(jaxpr: Jaxpr, twin: Jaxpr, *, is_square: bool = False) -> Iterator[JaxprEqn]:
    """All such equations of a program; none where the two programs are not of the same equations."""
    if [eqn.primitive for eqn in jaxpr.eqns] == [eqn.primitive for eqn in twin.eqns]:
        found = (mixing(*pair, is_square=is_square) for pair in zip(jaxpr.eqns, twin.eqns, strict=True))
        yield from (eqn for eqn in found if eqn is not None)


def _row_dims(one: Any, other: Any) -> list[int]:
    shapes = [getattr(atom.aval, "shape", ()) for atom in (one, other)]
    return [dim for dim, (size, twice) in enumerate(zip(*shapes, strict=False)) if size != twice]


def _is_square(one: Any, other: Any) -> bool:
    sizes = {(one.aval.shape[dim], other.aval.shape[dim]) for dim in _row_dims(one, other)}
    return len(sizes) == 1


def _moves_rows(eqn: JaxprEqn, twin: JaxprEqn) -> bool:
    """Whether `eqn` puts rows into the places of others, or adds up those before them."""
    if not eqn.invars or not isinstance(eqn.invars[0], Var) or not isinstance(twin.invars[0], Var):
        return False
    rows, name, params = _row_dims(eqn.invars[0], twin.invars[0]), eqn.primitive.name, eqn.params
    if name == "slice":
        return any(_is_odd_slice(eqn, twin, dim) for dim in rows)
    if name == "rev":
        return not set(rows).isdisjoint(params["dimensions"])
    if name == "sort":
        return params["dimension"] in rows
    return name in ("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp") and params["axis"] in rows


def _is_odd_slice(eqn: JaxprEqn, twin: JaxprEqn, dim: int) -> bool:
    """Whether a slice of rows is no fixed share of all of them: all but the first, say."""
    whole, other = (one.invars[0].aval.shape[dim] for one in (eqn, twin))  # type: ignore[attr-defined]
    return any(
        eqn.params[end][dim] * other != twin.params[end][dim] * whole
        for end in ("start_indices", "limit_indices")
    )
