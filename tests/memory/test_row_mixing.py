"""Rows of a batch that meet: told from two sizes of the same program."""

import jax
import jax.numpy as jnp
import pytest

from axisrules.memory.row_mixing import all_mixing


def found_in(fn, *, is_square=False, shape=(6, 4)):
    few, many = (jax.make_jaxpr(fn)(jnp.zeros((rows, *shape[1:]))).jaxpr for rows in (shape[0], 2 * shape[0]))
    return [eqn.primitive.name for eqn in all_mixing(few, many, is_square=is_square)]


APART = {
    "a sum over rows": lambda x: jnp.sum(jnp.tanh(x) ** 2),
    "a sum over features": lambda x: jax.nn.softmax(x, axis=1),
    "features against one another": lambda x: jnp.einsum("bi,bj->bij", x, x),
    "weights' gradients": lambda x: x.T @ x,
    "rows and something else in one dim": lambda x: x.reshape(-1) * 2,
    "the first half of all rows": lambda x: jnp.sum(x[: x.shape[0] // 2]),
    "features backwards": lambda x: jnp.cumsum(jnp.flip(jnp.sort(x, axis=1), axis=1), axis=1)[:, 1:],
}
MEET = {
    "rows against rows": (lambda x: jax.nn.logsumexp(x @ x.T, axis=1), "dot_general"),
    "within a call": (jax.jit(lambda x: jnp.sum(x @ x.T)), "dot_general"),
    "the next row": (lambda x: jnp.roll(x, 1, axis=0), "slice"),
    "all rows but one": (lambda x: x[1:] - x[:-1], "slice"),
    "rows backwards": (lambda x: x[::-1], "rev"),
    "rows in order": (lambda x: jnp.sort(x, axis=0), "sort"),
    "all rows before": (lambda x: jnp.cumsum(x, axis=0), "cumsum"),
}


@pytest.mark.parametrize("what", APART)
def test_rows_that_stay_apart(what):
    assert found_in(APART[what]) == []


@pytest.mark.parametrize("what", MEET)
def test_rows_that_meet(what):
    fn, name = MEET[what]
    assert name in found_in(fn)


def test_places_of_experts_are_no_rows_against_rows():
    places = lambda x: jnp.einsum("tc,te->tec", x[:, :1] * jnp.ones(x.shape[0] // 2), x)  # noqa: E731
    assert found_in(places) != []
    assert found_in(places, is_square=True) == []


def test_programs_of_other_equations_are_not_compared():
    odd = lambda x: x @ x.T if x.shape[0] > 6 else x  # noqa: E731
    assert found_in(odd) == []
