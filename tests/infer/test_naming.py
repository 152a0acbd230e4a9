"""Names that follow from seeds; the networks here have axes of known meaning."""

import jax
import jax.numpy as jnp
import pytest

from axisrules.infer import Seed, infer, trace


def shape(*sizes, dtype=jnp.float32):
    return jax.ShapeDtypeStruct(sizes, dtype)


def perceptron(params, x):
    hidden = jax.nn.gelu(x @ params["up"] + params["bias"])
    return x + hidden @ params["down"]


PARAMS = {"up": shape(6, 10), "bias": shape(10), "down": shape(10, 6)}
TRACED = trace(perceptron, {"params": PARAMS, "inputs": shape(2, 4, 6)})


def test_names_follow_the_computation():
    found = infer(TRACED, [Seed("inputs", "", ("batch", "seq", "embed")), Seed("params", "bias", ("mlp",))])
    names = {path: array.names for path, array in found.of_kind("params").items()}
    assert names == {"up": ("embed", "mlp"), "bias": ("mlp",), "down": ("mlp", "embed")}
    assert found.array("outputs", "").names == ("batch", "seq", "embed")
    assert {dim.source for dim in found.array("params", "down").dims} == {"strong"}
    assert found.contradictions == found.opaque == found.unused_seeds == ()


@pytest.mark.parametrize("wrapped", [jax.jit, jax.checkpoint, jax.remat], ids=["jit", "checkpoint", "remat"])
def test_wrapping_a_function_changes_nothing(wrapped):
    seeds = [Seed("inputs", "", ("batch", "seq", "embed"))]
    inner = trace(wrapped(perceptron), {"params": PARAMS, "inputs": shape(2, 4, 6)})
    assert infer(inner, seeds).arrays == infer(TRACED, seeds).arrays
