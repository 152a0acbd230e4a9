"""Cutting a jaxpr anywhere and computing it piece by piece changes nothing."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from axisrules.memory.segments import cut, evaluate


def function(x, y):
    a = jnp.sin(x) * y
    b = jnp.cos(a) + 2.0
    return a @ b.T, b, x, 3.0


ARGS = (np.ones((2, 3), "float32"), np.full((2, 3), 0.5, "float32"))
CLOSED = jax.make_jaxpr(function)(*ARGS)


@given(st.lists(st.integers(0, 2), min_size=len(CLOSED.jaxpr.eqns), max_size=len(CLOSED.jaxpr.eqns)))
def test_any_cut_gives_the_same_results(keys):
    def run(key, segment, inputs):
        return segment.function(CLOSED.jaxpr)(*inputs)

    found = evaluate(CLOSED.jaxpr, [*CLOSED.consts, *ARGS], keys, run)
    for a, b in zip(found, function(*ARGS), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_nobody_reads_is_left_out():
    closed = jax.make_jaxpr(lambda x: (jnp.sin(x), x + 1)[1])(1.0)
    keys = list(range(len(closed.jaxpr.eqns)))
    kept = [segment.equations[0].primitive.name for _, segment in cut(closed.jaxpr, keys)]
    assert kept == ["add"]
