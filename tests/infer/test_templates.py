"""Layers of one make share their axes; modules that only count alike do not."""

import jax
import jax.numpy as jnp

from axisrules.infer import Seed, infer, trace


def shape(*sizes):
    return jax.ShapeDtypeStruct(sizes, jnp.float32)


def block(params, x):
    return x + jnp.tanh(x @ params["in"]["kernel"]) @ params["out"]["kernel"]


def stack(params, x):
    for layer in params["layers"]:
        x = block(layer, x)
    return x


def layer(embed=6, mlp=8, **more):
    return {"in": {"kernel": shape(embed, mlp)}, "out": {"kernel": shape(mlp, embed)}, **more}


def named(params, function=stack, seeds=(), templates=True):
    traced = trace(function, {"params": params, "inputs": shape(2, 6)})
    found = infer(traced, [Seed("params", *seed) for seed in seeds], roles=False, templates=templates)
    return {path: array.sure_names for path, array in found.of_kind("params").items()}


ONE_LAYER = [("layers/1/in/kernel", ("embed", "mlp"))]


def test_one_layer_names_all():
    params = {"layers": [layer() for _ in range(12)]}
    names = named(params, seeds=ONE_LAYER)
    assert {names[f"layers/{n}/out/kernel"] for n in range(12)} == {("mlp", "embed")}
    alone = named(params, seeds=ONE_LAYER, templates=False)
    assert alone["layers/0/in/kernel"] == ("embed", None)


def test_a_first_layer_may_hold_more():
    params = {"layers": [layer(bias=shape(6)), layer(), layer()]}
    assert named(params, seeds=ONE_LAYER)["layers/0/in/kernel"] == ("embed", "mlp")


def test_layers_of_other_shapes_stay_apart():
    params = {"layers": [layer(mlp=8), layer(mlp=8), layer(mlp=10)]}
    names = named(params, seeds=ONE_LAYER)
    assert names["layers/0/in/kernel"] == ("embed", "mlp")
    assert names["layers/2/in/kernel"] == ("embed", None)


def test_a_chain_of_equal_matrices_is_no_stack_of_layers():
    def chain(params, x):
        for number in range(3):
            x = jnp.tanh(x @ params[f"dense_{number}"]["kernel"])
        return x

    params = {f"dense_{number}": {"kernel": shape(6, 6)} for number in range(3)}
    names = named(params, chain, [("dense_0/kernel", ("in", "hidden"))])
    assert names["dense_1/kernel"] == ("hidden", None)
    assert names["dense_2/kernel"] == (None, None)
