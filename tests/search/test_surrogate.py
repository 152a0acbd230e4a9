"""Beliefs against the textbook's formula with a plain inverse, and against functions that are known."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from axisrules.search.surrogate import NOISE, SCALES, believe


def plain(known, values, asked, scale):
    """Mean and deviation by the definition, nothing factored."""

    def kernel(a, b):
        return np.exp(-((a[:, None, :] - b[None, :, :]) ** 2).sum(-1) / (2 * scale**2))

    centre, spread = values.mean(), values.std() or 1.0
    inverse = np.linalg.inv(kernel(known, known) + NOISE * np.eye(len(known)))
    mean = kernel(asked, known) @ inverse @ ((values - centre) / spread)
    variance = 1 - np.diag(kernel(asked, known) @ inverse @ kernel(known, asked))
    return centre + spread * mean, spread * np.sqrt(np.maximum(variance, 0))


@given(st.integers(0, 10_000))
def test_it_is_the_textbooks_formula_at_one_of_the_scales(seed):
    draw = np.random.default_rng(seed)
    known, asked = draw.normal(size=(9, 3)), draw.normal(size=(5, 3))
    values = draw.normal(size=9)
    found = believe(known, values, asked)
    expected = [plain(known, values, asked, scale) for scale in SCALES]
    assert any(
        np.allclose(found.mean, mean, atol=1e-4) and np.allclose(found.deviation, deviation, atol=1e-3)
        for mean, deviation in expected
    )


def test_it_is_sure_of_what_it_has_seen():
    known = np.arange(6.0)[:, None]
    values = np.sin(known[:, 0])
    found = believe(known, values, np.vstack([known, [[2.5]], [[40.0]]]))
    assert np.allclose(found.mean[:6], values, atol=0.01)
    assert abs(found.mean[6] - np.sin(2.5)) < 0.1
    assert found.deviation[:6].max() < 0.05 < found.deviation[7]
