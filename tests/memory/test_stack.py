"""A scan taken apart by its shapes, grouped, and compared with itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import jaxpr_as_fun

from axisrules.memory.stack import Stack


def scan_of(reverse, length=6):
    def fn(constant, carry, kernels):
        def layer(carry, kernel):
            x, count = carry
            x = jnp.tanh(x @ kernel) * constant
            return (x, count + 1), x.sum()

        return jax.lax.scan(layer, (carry, 0), kernels, reverse=reverse)

    args = (np.float32(0.9), np.ones((2, 3), "float32"), np.ones((length, 3, 3), "float32"))
    closed = jax.make_jaxpr(fn)(*args)
    (equation,) = [found for found in closed.jaxpr.eqns if found.primitive.name == "scan"]
    return equation, [args[0], args[1], 0, args[2]], fn(*args)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("every", [1, 2, 3, 6])
def test_groups_compute_the_same(reverse, every):
    equation, operands, (carry, rows) = scan_of(reverse)
    stack = Stack(equation)
    assert (stack.length, stack.carry_count, stack.scanned_count) == (6, 2, 1)
    # A zero that starts a count is a literal operand, and weakly typed.
    operands[2] = jnp.asarray(0, equation.invars[2].aval.dtype, copy=True)
    found = stack.grouped(every, jaxpr_as_fun(equation.params["jaxpr"]), None, operands)
    for a, b in zip(found, [*carry, rows], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
