"""Guesses, judged by the annotations of the built-in decoders; a guess is never sure."""

import jax
import jax.numpy as jnp
import pytest
from flax import linen as nn

from axisrules.infer import Seed, infer, trace
from axisrules.models import DecoderConfig, linen_decoder

TOKENS = jax.ShapeDtypeStruct((2, 10), jnp.int32)
INPUT = Seed("inputs", "", ("batch", "seq"))


def decoder(**sizes):
    """The built-in decoder's trace, and its annotations by path."""
    config = DecoderConfig(vocab=97, embed=24, heads=4, kv_heads=2, head_dim=6, mlp=40, layers=3, **sizes)
    model = linen_decoder(config)
    boxed = jax.eval_shape(model.init, jax.random.key(0), TOKENS)["params"]
    flat, _ = jax.tree_util.tree_flatten_with_path(boxed, is_leaf=lambda node: hasattr(node, "names"))
    truth = {jax.tree_util.keystr(keys, simple=True, separator="/"): box.names for keys, box in flat}
    return (lambda params, tokens: model.apply({"params": params}, tokens)), nn.unbox(boxed), truth


@pytest.mark.parametrize("experts", [{}, {"experts": 5, "experts_per_token": 2}], ids=["dense", "experts"])
@pytest.mark.parametrize("is_gradient", [False, True], ids=["forward", "gradient"])
def test_a_decoder_is_named_from_its_input_alone(experts, is_gradient):
    apply, params, truth = decoder(**experts)
    function = jax.grad(lambda p, t: apply(p, t).sum()) if is_gradient else apply
    found = infer(trace(function, {"params": params, "inputs": TOKENS}), [INPUT])
    assert {path: array.names for path, array in found.of_kind("params").items()} == truth
    assert found.contradictions == found.opaque == ()


def test_guesses_are_not_sure_and_can_be_left_out():
    apply, params, truth = decoder()
    traced = trace(apply, {"params": params, "inputs": TOKENS})
    found = infer(traced, [INPUT])
    assert {dim.source for array in found.of_kind("params").values() for dim in array.dims} == {"role"}
    assert len(found.unsure) == sum(map(len, truth.values()))
    unguessed = infer(traced, [INPUT], roles=False).of_kind("params").values()
    assert {name for array in unguessed for name in array.names} == {None}


def test_a_guess_gives_way_to_a_name():
    apply, params, truth = decoder()
    traced = trace(apply, {"params": params, "inputs": TOKENS})
    (path,) = [path for path, names in truth.items() if names == ("vocab", "embed")]
    found = infer(traced, [INPUT, Seed("params", path, ("letters", "width"))]).of_kind("params")
    named = {name for array in found.values() for name in array.names}
    assert {"letters", "width"} <= named
    assert not {"embed"} & named


def test_a_network_without_tokens_or_attention_gets_no_guess():
    def network(params, x):
        return jnp.tanh(x @ params["one"]) @ params["two"]

    shapes = {
        "one": jax.ShapeDtypeStruct((6, 8), jnp.float32),
        "two": jax.ShapeDtypeStruct((8, 3), jnp.float32),
    }
    traced = trace(network, {"params": shapes, "inputs": jax.ShapeDtypeStruct((2, 6), jnp.float32)})
    found = infer(traced, [Seed("inputs", "", ("batch", "features"))])
    assert found.array("params", "one").names == ("features", None)
    assert found.array("params", "two").names == (None, None)


def test_queries_that_are_learned_have_heads_and_no_experts():
    """As a model has that attends from latents of its own to what it is fed."""

    def attend(params, x):
        queries = jnp.einsum("le,ehd->lhd", params["latents"], params["query"])
        keys = jnp.einsum("bse,ehd->bshd", x, params["key"])
        weights = jax.nn.softmax(jnp.einsum("lhd,bshd->bhls", queries, keys))
        mixed = jnp.einsum("bhls,bshd->blhd", weights, jnp.einsum("bse,ehd->bshd", x, params["value"]))
        return jnp.einsum("blhd,hde->ble", mixed, params["out"])

    kernels = dict.fromkeys(("query", "key", "value"), (24, 4, 6))
    shapes = {"latents": (5, 24), **kernels, "out": (4, 6, 24)}
    params = {name: jax.ShapeDtypeStruct(shape, jnp.float32) for name, shape in shapes.items()}
    inputs = jax.ShapeDtypeStruct((2, 9, 24), jnp.float32)
    found = infer(trace(attend, {"params": params, "inputs": inputs})).of_kind("params")
    assert found["query"].names[1] == found["key"].names[1] == found["out"].names[0] == "heads"
    assert "experts" not in {name for array in found.values() for name in array.names}


def test_kernels_that_are_batched_over_experts_have_them():
    def mixture(params, x):
        return jnp.einsum(
            "ebm,emf->ebf", jax.nn.relu(jnp.einsum("bf,efm->ebm", x, params["up"])), params["down"]
        )

    shapes = {"up": (5, 24, 40), "down": (5, 40, 24)}
    params = {name: jax.ShapeDtypeStruct(shape, jnp.float32) for name, shape in shapes.items()}
    found = infer(trace(mixture, {"params": params, "inputs": jax.ShapeDtypeStruct((2, 24), jnp.float32)}))
    assert {array.names[0] for array in found.of_kind("params").values()} == {"experts"}


def test_what_labels_pick_from_is_the_vocabulary_again():
    """Between embedding and head is another axis, as a recurrent model has one."""

    def score(params, tokens):
        hidden = jnp.tanh(params["table"][tokens] @ params["into"])
        return jnp.take_along_axis(hidden @ params["head"], tokens[..., None], axis=-1).sum()

    shapes = {"table": (97, 24), "into": (24, 40), "head": (40, 97)}
    params = {name: jax.ShapeDtypeStruct(shape, jnp.float32) for name, shape in shapes.items()}
    found = infer(trace(score, {"params": params, "inputs": TOKENS}), [INPUT]).array("params", "head")
    assert found.names == (None, "vocab")
    assert found.sure_names == (None, None)


@pytest.mark.parametrize("order", ["ehd", "hed", "hde", "edh"])
def test_head_dim_is_told_by_its_use_and_not_by_its_place(order):
    """Kernels with their dims in any order, queries and keys rotated as positions are."""
    sizes = {"e": 24, "h": 4, "d": 6}
    names = {"e": "embed", "h": "heads", "d": "head_dim"}

    def rotated(x):
        first, second = jnp.split(x, 2, axis=-1)
        return jnp.concatenate([-second, first], axis=-1)

    def attend(params, tokens):
        x = params["table"][tokens]
        queries, keys, values = (jnp.einsum(f"bse,{order}->bshd", x, params[name]) for name in "qkv")
        weights = jax.nn.softmax(jnp.einsum("bqhd,bkhd->bhqk", rotated(queries), rotated(keys)))
        mixed = jnp.einsum("bhqk,bkhd->bqhd", weights, values)
        return x + jnp.einsum(f"bshd,{order}->bse", mixed, params["o"])

    shapes = {"table": (97, 24), **dict.fromkeys("qkvo", tuple(sizes[letter] for letter in order))}
    params = {name: jax.ShapeDtypeStruct(shape, jnp.float32) for name, shape in shapes.items()}
    found = infer(trace(attend, {"params": params, "inputs": TOKENS}), [INPUT]).of_kind("params")
    truth = tuple(names[letter] for letter in order)
    assert {path: array.names for path, array in found.items()} == {
        "table": ("vocab", "embed"),
        **dict.fromkeys("qkvo", truth),
    }
