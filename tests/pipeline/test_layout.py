"""Layers over virtual stages, against counting them out."""

import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from axisrules.pipeline.layout import StageLayout


@given(st.integers(1, 4), st.integers(1, 3), st.data())
def test_every_stage_gets_its_layers_in_order(stages, repeats, data):
    counts = data.draw(
        st.lists(st.integers(0, 3), min_size=stages * repeats, max_size=stages * repeats).filter(any)
    )
    layout = StageLayout(stages, repeats, tuple(counts))
    cut = np.asarray(layout.cut(jnp.arange(layout.layers)))
    assert cut.shape == (repeats, stages, max(counts))
    number = 0
    for k, count in enumerate(counts):
        assert layout.starts[k] == number
        own = cut[k // stages, k % stages, :count]
        assert own.tolist() == list(range(number, number + count))
        number += count
