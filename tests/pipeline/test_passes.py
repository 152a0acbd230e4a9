"""Layers in passes, held against JAX's own gradient of the loop that they are."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from axisrules.adapters import path_of
from axisrules.pipeline.inputs import read_inputs
from axisrules.pipeline.layers import Layers, Totals
from axisrules.pipeline.layout import StageLayout
from axisrules.pipeline.loss import cut_loss
from axisrules.pipeline.parts import Parts
from axisrules.pipeline.passes import Passes
from axisrules.rules import Remat
from tests.pipeline.conftest import EMBED, MLP, SEQ, LinenModel

ROWS = 2
MODES = {
    "recomputed": {},
    "groups": {"group": 2},
    "all kept": {"is_recomputed": False},
    "all kept, padded": {"is_recomputed": False, "counts": (3, 4)},
}


def passes(program, counts=(4,), policies=(), **kept):
    """The layers of `program` as the last of one device's stages, with its operands and what travels."""
    cut, _ = cut_loss(program, read_inputs(program))
    parts = Parts(cut, cut.trace, read_inputs(program), policies=policies)
    names = [path_of(keys) for keys, _ in jax.tree_util.tree_flatten_with_path(program.params)[0]]
    shapes = [value.aval for value in map(cut.trace.atom, (("operand", at, 0) for at in cut.stacked))]
    assert len(shapes) == sum("layers" in name for name in names)
    keys = jax.random.split(jax.random.key(0), len(shapes))
    whole = [jax.random.normal(key, shape.shape) for key, shape in zip(keys, shapes, strict=True)]
    layout = StageLayout(1, len(counts), counts)
    layers = Layers(parts, layout, [layout.cut(value)[:, 0] for value in whole], **kept)
    x = jax.random.normal(jax.random.key(1), cut.trace.atom(cut.carry[0]).aval.shape)
    fresh = [
        jax.random.split(jax.random.key(0), cut.trace.atom(("operand", at, 0)).aval.shape) for at in cut.fresh
    ]
    return Passes(layers, (), tuple(fresh), (x,)), whole, x


def reference(one, whole, x, cotangent, first):
    """The loop from layer `first` on, differentiated by JAX."""

    def run(x, weights):
        body = lambda x, own: (one.layers.parts.layer((), one.fresh, own, [x], 0)[0], None)  # noqa: E731
        return jax.lax.scan(body, x, [value[first:] for value in weights])[0]

    out, pull = jax.vjp(run, x, whole)
    return out, pull(cotangent)


@pytest.mark.parametrize("mode", MODES)
def test_the_passes_are_the_loop_and_its_gradient(read, mode):
    kept = MODES[mode]
    counts = kept.get("counts", (4,))
    one, whole, x = passes(read(LinenModel(layers=sum(counts)), rows=ROWS), **kept)
    stage, cotangent = len(counts) - 1, jax.random.normal(jax.random.key(2), x.shape)
    start = [jnp.zeros(value.shape) for value in one.layers.stacked]
    totals = Totals([], start, stage, stage, jnp.array(True), one.layers.group)
    out, saved = one.forward(one.fresh, [x], stage)
    back, added = one.backward(one.fresh, saved, [cotangent], totals)
    first, parked = one.backward_first(one.fresh, saved, [cotangent], stage)
    later = one.backward_second(one.fresh, parked, totals)
    wanted, (of_x, of_weights) = reference(one, whole, x, cotangent, sum(counts[:-1]))
    own = [gradient[-1, : counts[-1]] for gradient in added.stacked]
    np.testing.assert_allclose(out[0], wanted, rtol=1e-5, atol=1e-6)
    for found in (back, first):
        np.testing.assert_allclose(found[0], of_x, rtol=1e-4, atol=1e-5)
    for gradient, of_weight, again in zip(own, of_weights, later.stacked, strict=True):
        np.testing.assert_allclose(gradient, of_weight[-counts[-1] :], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(again[-1, : counts[-1]], gradient, rtol=1e-5, atol=1e-6)


def kept_shapes(read, model=LinenModel, **kept):
    one, _, _ = passes(read(model(), rows=ROWS), **kept)
    return sorted(shape.shape for shape in one.saved_shapes())


def test_recomputed_layers_keep_their_inputs_alone(read):
    assert kept_shapes(read) == [(4, ROWS, SEQ, EMBED)]
    assert kept_shapes(read, group=2) == [(2, ROWS, SEQ, EMBED)]


def test_layers_that_are_not_recomputed_keep_no_weights_and_nothing_that_is_soon_made_again(read):
    # Their input, and what silu is of: its result and its slope are made again.
    kept = kept_shapes(read, partial(LinenModel, activation=jax.nn.silu), is_recomputed=False)
    assert kept == [(4, ROWS, SEQ, EMBED), (4, ROWS, SEQ, MLP)]


def test_a_policy_lessens_what_is_kept(read):
    whole = kept_shapes(read, is_recomputed=False)
    lessened = kept_shapes(read, is_recomputed=False, policies=(Remat(),))
    assert lessened == [(4, ROWS, SEQ, EMBED)]
    assert len(whole) > len(lessened)
