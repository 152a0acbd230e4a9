"""Names that follow from seeds; the networks here have axes of known meaning."""

import jax
import jax.numpy as jnp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axisrules.infer import BOUNDARY_MARK, Seed, infer, name_axes, trace, unify
from tests.infer.networks import networks


def shape(*sizes, dtype=jnp.float32):
    return jax.ShapeDtypeStruct(sizes, dtype)


def perceptron(params, x):
    hidden = jax.nn.gelu(x @ params["up"] + params["bias"])
    return x + hidden @ params["down"]


PARAMS = {"up": shape(6, 10), "bias": shape(10), "down": shape(10, 6)}
TRACED = trace(perceptron, {"params": PARAMS, "inputs": shape(2, 4, 6)})
INPUT = Seed("inputs", "", ("batch", "seq", "embed"))


def test_names_follow_the_computation():
    found = infer(TRACED, [INPUT, Seed("params", "bias", ("mlp",))])
    names = {path: array.names for path, array in found.of_kind("params").items()}
    assert names == {"up": ("embed", "mlp"), "bias": ("mlp",), "down": ("mlp", "embed")}
    assert found.array("outputs", "").names == ("batch", "seq", "embed")
    assert {dim.source for dim in found.array("params", "down").dims} == {"strong"}
    assert found.contradictions == found.opaque == found.unused_seeds == ()


def test_classes_tell_what_is_one_axis():
    found = infer(TRACED, [INPUT], roles=False)
    embed, mlp = found.param_classes if found.param_classes[0].name else found.param_classes[::-1]
    assert (embed.name, embed.source, embed.size) == ("embed", "given", 6)
    assert embed.members == (("down", 1), ("up", 0))
    assert (mlp.name, mlp.source, mlp.example) == (None, "unknown", "up[1]")


@pytest.mark.parametrize("wrapped", [jax.jit, jax.checkpoint, jax.remat], ids=["jit", "checkpoint", "remat"])
def test_wrapping_a_function_changes_nothing(wrapped):
    inner = trace(wrapped(perceptron), {"params": PARAMS, "inputs": shape(2, 4, 6)})
    assert infer(inner, [INPUT]).arrays == infer(TRACED, [INPUT]).arrays


def test_naming_changes_nothing_in_the_graph():
    graph = unify(TRACED)
    first = name_axes(graph, [INPUT])
    name_axes(graph, [Seed("params", "*", ("other",) * 2)])
    assert name_axes(graph, [INPUT]).arrays == first.arrays


def test_boundaries_are_named():
    def marked(params, x):
        return jax.ad_checkpoint.checkpoint_name(perceptron(params, x), f"{BOUNDARY_MARK}mlp#0")

    for function in (marked, jax.grad(lambda params, x: marked(params, x).sum())):
        traced = trace(function, {"params": PARAMS, "inputs": shape(2, 4, 6)})
        assert infer(traced, [INPUT]).array("boundaries", "mlp#0").names == INPUT.names
        backward = infer(traced, [Seed("boundaries", "mlp#*", INPUT.names)])
        assert backward.array("params", "down").names[1] == "embed"


def test_the_most_literal_pattern_wins():
    seeds = [Seed("params", "*", ("wide", "narrow")), Seed("params", "up", ("embed", "mlp"))]
    found = infer(trace(lambda p: p["up"], {"params": {"up": shape(6, 10)}}), seeds)
    assert found.array("params", "up").names == ("embed", "mlp")
    assert found.contradictions == ()


def test_a_pattern_that_matches_nothing_is_told_with_what_is_near():
    (unused,) = infer(TRACED, [Seed("params", "dwon", ("mlp", "embed"))]).unused_seeds
    assert (unused.seed.pattern, unused.nearest) == ("dwon", ("down",))


def test_no_array_gets_one_name_twice():
    traced = trace(
        lambda p, x: x + x @ p["square"], {"params": {"square": shape(6, 6)}, "inputs": shape(2, 6)}
    )
    found = infer(traced, [Seed("inputs", "", ("batch", "embed"))])
    assert found.array("params", "square").names == ("embed", None)
    both = [Seed("inputs", "", ("batch", "embed")), Seed("params", "square", ("embed", "embed_out"))]
    assert infer(traced, both).array("params", "square").names == ("embed", "embed_out")


def test_weak_names_are_kept_apart():
    def halves(params, x):
        first, second = jnp.split(x @ params["in"], 2, axis=-1)
        return (first * second) @ params["out"]

    shapes = {"in": shape(6, 20), "out": shape(10, 6)}
    traced = trace(halves, {"params": shapes, "inputs": shape(2, 6)})
    found = infer(traced, [Seed("params", "out", ("mlp", "embed"))], roles=False)
    assert found.array("params", "in").names == (None, "mlp")
    assert found.array("params", "in").sure_names == (None, None)
    assert [(array.place.path, dim) for array, dim in found.unsure] == [("in", 1)]


def test_names_of_activations_reach_parameters_by_proof_only():
    """A table of positions is cut to the sequence's length: that does not make it the sequence."""

    def positions(params, x):
        return x + params["table"][: x.shape[1]]

    traced = trace(positions, {"params": {"table": shape(16, 6)}, "inputs": shape(2, 8, 6)})
    found = infer(traced, [INPUT])
    assert found.array("params", "table").names == (None, "embed")


@settings(max_examples=60, deadline=None)
@given(networks(), st.data())
def test_no_name_is_ever_wrong(network, data):
    """From any of the true names, none that is given, follows or is guessed weakly is another axis's."""
    traced = trace(network.function(), {"params": network.shapes(), "inputs": network.input_shape()})
    truth = {("params", path): tuple(names) for path, names in network.params.items()}
    truth |= {("inputs", ""): tuple(network.inputs), ("outputs", ""): tuple(network.outputs)}
    told = data.draw(st.sets(st.sampled_from(sorted(truth))))
    found = infer(traced, [Seed(*place, truth[place]) for place in told], roles=False)
    assert found.contradictions == ()
    for place, names in truth.items():
        for name, true in zip(found.array(*place).names, names, strict=True):
            assert name in (None, true)


@settings(max_examples=30, deadline=None)
@given(networks(), st.data())
def test_the_order_of_parameters_does_not_matter(network, data):
    order = data.draw(st.permutations(sorted(network.params)))
    renamed = {path: f"{number:03}" for number, path in enumerate(order)}

    def function(params, x):
        return network.function()({path: params[new] for path, new in renamed.items()}, x)

    shapes = network.shapes()
    seeds = [Seed("inputs", "", tuple(network.inputs))]
    plain = infer(trace(network.function(), {"params": shapes, "inputs": network.input_shape()}), seeds)
    moved = {new: shapes[path] for path, new in renamed.items()}
    other = infer(trace(function, {"params": moved, "inputs": network.input_shape()}), seeds)
    for path, new in renamed.items():
        assert plain.array("params", path).sure_names == other.array("params", new).sure_names
