"""Policies on four forms of one model; JAX's account of residuals and plain gradients are the referees."""

import math

import jax
import numpy as np
import pytest

from axisrules.diagnostics import AxisRulesError
from axisrules.memory import rematerialized
from axisrules.rules import Remat, named_remat
from tests.memory.models import FORMS, LAYERS, ROWS, WIDTH, Scanned, loss_of, read
from tests.memory.residuals import kept_bytes, kept_shapes

FULL, ATTENTION = named_remat("full"), named_remat("attention")
POLICIES = {
    "full": FULL,
    "attention": ATTENTION,
    "groups": (Remat(every=2),),
    "saved": (Remat(save=("batch mlp",)),),
    "module": (Remat(save=("attention",)),),
    "scoped": (Remat(("layers*/**/attention",)), Remat(save=("batch mlp",))),
}


@pytest.fixture(scope="module", params=FORMS)
def traced(request):
    return loss_of(read(request.param))


@pytest.fixture(scope="module")
def plain(traced):
    loss, args = traced
    return jax.jit(jax.value_and_grad(loss))(*args)


def assert_alike(found, wanted):
    """At most 2e-6 apart, relative to the largest number of each array."""
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        assert np.max(np.abs(a - b)) <= 2e-6 * np.max(np.abs(b))


@pytest.mark.parametrize("name", POLICIES)
def test_gradients_stay_the_same(traced, plain, name):
    loss, args = traced
    assert_alike(jax.jit(jax.value_and_grad(rematerialized(loss, POLICIES[name])))(*args), plain)


def test_full_keeps_the_inputs_of_layers_and_attention_lies_between(traced):
    loss, args = traced
    full, attention = (kept_bytes(rematerialized(loss, policy), *args) for policy in (FULL, ATTENTION))
    none = kept_bytes(loss, *args)
    assert full < attention < none
    one = 4 * ROWS * WIDTH
    assert full <= (LAYERS + 2) * one, "a layer's input each, the result, and its square"
    assert ("f32", (ROWS, ROWS)) not in kept_shapes(rematerialized(loss, ATTENTION), *args)


def test_groups_keep_an_input_each(traced):
    loss, args = traced
    for every in (1, 2, 4):
        shapes = kept_shapes(rematerialized(loss, (Remat(every=every),)), *args)
        # Weights reshaped into groups are listed, too, and are the weights.
        inputs = sum(math.prod(shape[:-2]) for _, shape in shapes if shape[-2:] == (ROWS, WIDTH))
        assert inputs in (LAYERS // every, LAYERS // every + 1), "the last result may be kept for the square"


@pytest.mark.parametrize("words", [{"save": ("batch mlp",)}, {"save": ("attention",)}])
def test_what_is_saved_is_kept_beside_the_inputs(traced, words):
    loss, args = traced
    saved = kept_bytes(rematerialized(loss, (Remat(**words),)), *args)
    full = kept_bytes(rematerialized(loss, FULL), *args)
    assert saved - full == LAYERS * 4 * ROWS * WIDTH


def test_what_is_offloaded_goes_to_the_host(traced, plain):
    loss, args = traced
    policy = (Remat(offload=("batch mlp",)),)
    text = str(jax.make_jaxpr(jax.grad(rematerialized(loss, policy)))(*args))
    assert "pinned_host" in text or "<host>" in text
    assert_alike(jax.jit(jax.value_and_grad(rematerialized(loss, policy)))(*args), plain)


def test_a_scope_holds_for_its_own_modules_alone():
    loss, args = loss_of(read("linen_rows"))
    one, all_of_them = (
        kept_bytes(rematerialized(loss, (Remat((glob,)),)), *args)
        for glob in ("layers_1/attention", "attention")
    )
    assert all_of_them < one < kept_bytes(loss, *args)


@pytest.mark.parametrize(
    "policy",
    [
        Remat(("atention",)),
        Remat(save=("batch embed",)),
        Remat(save=("mlpp",)),
        Remat(offload=("other:batch mlp",)),
        Remat(("attention",), save=("batch mlp",)),  # it lies outside of attention
    ],
    ids=str,
)
def test_a_word_that_matches_nothing_is_an_error(traced, policy):
    loss, args = traced
    with pytest.raises(AxisRulesError) as caught:
        jax.eval_shape(rematerialized(loss, (policy,)), *args)
    assert {d.code for d in caught.value.diagnostics} == {"AXR770"}


def test_a_model_without_layers_cannot_recompute_them():
    with pytest.raises(AxisRulesError) as caught:
        jax.eval_shape(rematerialized(lambda x: (x @ x).sum(), FULL), np.ones((2, 2), "float32"))
    assert [d.code for d in caught.value.diagnostics] == ["AXR770"]


def test_groups_that_do_not_divide_the_layers_are_an_error():
    loss, args = loss_of(read(Scanned(layers=3)))
    with pytest.raises(AxisRulesError) as caught:
        jax.eval_shape(rematerialized(loss, (Remat(every=2),)), *args)
    assert [d.code for d in caught.value.diagnostics] == ["AXR772"]


def test_nothing_to_do_is_nothing_done(traced):
    loss, _ = traced
    assert rematerialized(loss, ()) is loss


def test_a_user_s_own_checkpoint_name_is_a_name_too():
    from jax.ad_checkpoint import checkpoint_name

    def fn(x, kernels):
        def layer(x, kernel):
            return jax.numpy.sin(checkpoint_name(jax.numpy.tanh(x @ kernel), "mine")), None

        return jax.lax.scan(layer, x, kernels)[0].sum()

    args = (np.ones((4, 4), "float32"), np.ones((3, 4, 4), "float32"))
    saved = kept_bytes(rematerialized(fn, (Remat(save=("mine",)),)), *args)
    assert saved - kept_bytes(rematerialized(fn, FULL), *args) == 3 * 4 * 4 * 4
