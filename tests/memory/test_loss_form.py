"""What a loss is after its sum, told from its equations; the loss's own values are the referee."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.memory.loss_form import Term, terms_of

X = jax.ShapeDtypeStruct((6, 3), "float32")


def terms(fn, x=X):
    def objective(params, rest, batch, key):
        del params, key
        return fn(batch), ({}, rest)

    return terms_of(objective, (1.0, None, x, 0))[1]


@pytest.mark.parametrize(
    ("fn", "found"),
    [
        (jnp.sum, [Term(1.0)]),
        (lambda x: 3 * x.sum() + 1, [Term(3.0)]),
        (jnp.mean, [Term(1 / 18)]),
        (lambda x: -jnp.mean(x) / 2 + jnp.sum(x**2), [Term(1 / 36), Term(1.0)]),
        (lambda x: jnp.sqrt(jnp.mean(x)), [Term(bent_by="sqrt")]),
        (lambda x: jnp.maximum(jnp.sum(x), 1.0), [Term(bent_by="max")]),
        (lambda x: jnp.mean(x) ** 2, [Term(bent_by="integer_pow")]),
        (lambda x: jnp.sum(x) / jnp.sum(x > 0), [Term(is_counted=True)]),
        (lambda x: jnp.sum(x) * jnp.sum(x), [Term(bent_by="a product of two sums")]),
        (lambda x: 1 / jnp.sum(x), [Term(bent_by="a division by the sum")]),
        (jax.jit(jnp.mean), [Term(1 / 18)]),
        (lambda x: jnp.where(True, jnp.mean(x), 0.0), [Term(1 / 18)]),
        (lambda _: jnp.float32(3), []),
    ],
)
def test_the_terms_of_a_loss(fn, found):
    assert [(t.bent_by, t.is_counted) for t in terms(fn)] == [(t.bent_by, t.is_counted) for t in found]
    for term, wanted in zip(terms(fn), found, strict=True):
        if not wanted.bent_by and not wanted.is_counted:
            assert term.scale == pytest.approx(wanted.scale, rel=1e-5)


def test_what_is_not_known_is_let_pass():
    (term,) = terms(lambda x: jax.lax.scan(lambda c, row: (c + row.sum(), None), 0.0, x)[0])
    assert term.scale is None


@given(
    scale=st.floats(0.1, 10),
    shift=st.floats(-3, 3),
    reduce=st.sampled_from([jnp.sum, jnp.mean]),
    rows=st.sampled_from([2, 4, 8]),
)
def test_linear_losses_add_up_as_their_scales_say(scale, shift, reduce, rows):
    """The whole is the mean of its parts where scales fall with the rows, and their sum where they stay."""

    def fn(x):
        return scale * reduce(jnp.sin(x)) + shift

    x = np.random.default_rng(0).normal(size=(rows, 3)).astype("float32")
    whole = terms(fn, jax.ShapeDtypeStruct(x.shape, "float32"))[0].scale
    half = terms(fn, jax.ShapeDtypeStruct((rows // 2, 3), "float32"))[0].scale
    parts = [float(fn(part)) - shift for part in np.split(x, 2)]
    combined = sum(parts) * whole / half
    assert float(fn(x)) - shift == pytest.approx(combined, rel=1e-3, abs=1e-4)
