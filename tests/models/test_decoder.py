"""The decoder in linen and in nnx: one architecture, one set of names, one function."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from flax import nnx
from numpy.testing import assert_allclose

from axisrules.models import DecoderConfig, linen_decoder, next_token_loss, nnx_decoder, text_batches

DENSE = DecoderConfig(vocab=256, embed=32, heads=4, kv_heads=2, head_dim=8, mlp=48, layers=2)
SPARSE = DecoderConfig(vocab=256, embed=32, heads=4, kv_heads=2, head_dim=8, mlp=48, layers=2, experts=3)
TOKENS = jnp.arange(24).reshape(2, 12)

# Every parameter that both have, in the words of DecoderConfig.
COMMON = {
    "embedding": "vocab embed",
    "final_norm/scale": "embed",
    "head": "embed vocab",
    "layers/attention/key": "layers embed kv_heads head_dim",
    "layers/attention/out": "layers heads head_dim embed",
    "layers/attention/query": "layers embed heads head_dim",
    "layers/attention/value": "layers embed kv_heads head_dim",
    "layers/attention_norm/scale": "layers embed",
    "layers/mlp_norm/scale": "layers embed",
}
DENSE_ONLY = {
    "layers/mlp/down": "layers mlp embed",
    "layers/mlp/gate": "layers embed mlp",
    "layers/mlp/up": "layers embed mlp",
}
SPARSE_ONLY = {
    "layers/mlp/router": "layers embed experts",
    "layers/mlp/down": "layers experts mlp embed",
    "layers/mlp/gate": "layers experts embed mlp",
    "layers/mlp/up": "layers experts embed mlp",
}
CASES = [
    pytest.param(DENSE, COMMON | DENSE_ONLY, id="dense"),
    pytest.param(SPARSE, COMMON | SPARSE_ONLY, id="experts"),
]


@cache
def linen_params(config: DecoderConfig) -> Any:
    module = linen_decoder(config)
    return jax.jit(lambda key: nn.unbox(module.init(key, TOKENS))["params"])(jax.random.key(0))


def nnx_model(config: DecoderConfig) -> Any:
    return nnx.eval_shape(lambda: nnx_decoder(config)(nnx.Rngs(0)))


def by_path(tree: Any) -> dict[str, Any]:
    flat, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in flat}


def shapes_of(names: dict[str, str], config: DecoderConfig) -> dict[str, tuple[int, ...]]:
    return {path: tuple(getattr(config, name) for name in words.split()) for path, words in names.items()}


@pytest.mark.parametrize(("config", "names"), CASES)
def test_linen_parameters_have_these_shapes_and_names(config: DecoderConfig, names: dict[str, str]) -> None:
    boxed = jax.eval_shape(linen_decoder(config).init, jax.random.key(0), TOKENS)["params"]
    assert {path: leaf.shape for path, leaf in by_path(nn.unbox(boxed)).items()} == shapes_of(names, config)
    specs = by_path(nn.get_partition_spec(boxed))
    assert {path: " ".join(spec) for path, spec in specs.items()} == names


@pytest.mark.parametrize(("config", "names"), CASES)
def test_nnx_parameters_have_these_shapes_and_names(config: DecoderConfig, names: dict[str, str]) -> None:
    params = nnx.to_flat_state(nnx.state(nnx_model(config), nnx.Param))
    assert {"/".join(path): param.shape for path, param in params} == shapes_of(names, config)
    assert {"/".join(path): " ".join(param.get_metadata()["out_sharding"]) for path, param in params} == names


@pytest.mark.parametrize("config", [DENSE, SPARSE], ids=["dense", "experts"])
def test_linen_and_nnx_are_the_same_function(config: DecoderConfig) -> None:
    params, model = linen_params(config), nnx_model(config)
    state = nnx.state(model, nnx.Param)
    nnx.replace_by_pure_dict(state, params)
    nnx.update(model, state)
    expected = jax.jit(linen_decoder(config).apply)({"params": params}, TOKENS)
    assert expected.shape == (2, 12, config.vocab)
    assert_allclose(nnx.jit(lambda model: model(TOKENS))(model), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("config", [DENSE, SPARSE], ids=["dense", "experts"])
def test_no_token_sees_a_later_one(config: DecoderConfig) -> None:
    apply, params = jax.jit(linen_decoder(config).apply), linen_params(config)
    changed = TOKENS.at[:, 7:].set(99)
    before, after = apply({"params": params}, TOKENS), apply({"params": params}, changed)
    np.testing.assert_array_equal(before[:, :7], after[:, :7])
    assert not np.allclose(before[:, 7:], after[:, 7:])


def test_parameters_are_float32_and_logits_too_whatever_computes() -> None:
    config = DecoderConfig(embed=32, heads=2, kv_heads=1, head_dim=8, mlp=48, layers=1, dtype="bfloat16")
    module = linen_decoder(config, constrain=lambda x, names: seen.append((names, x.dtype)) or x)
    seen: list[tuple[str, Any]] = []
    logits, variables = jax.eval_shape(module.init_with_output, jax.random.key(0), TOKENS)
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}
    assert logits.dtype == jnp.float32
    assert {str(dtype) for names, dtype in seen if "vocab" not in names} == {"bfloat16"}


@pytest.mark.parametrize("config", [DENSE, SPARSE], ids=["dense", "experts"])
def test_both_constrain_the_same_activations(config: DecoderConfig) -> None:
    seen: dict[str, set[tuple[str, tuple[int, ...]]]] = {"linen": set(), "nnx": set()}

    def note(api: str) -> Any:
        return lambda x, names: seen[api].add((names, x.shape)) or x

    module, build = linen_decoder(config, note("linen")), nnx_decoder(config, note("nnx"))
    jax.eval_shape(module.init, jax.random.key(0), TOKENS)
    nnx.eval_shape(lambda: build(nnx.Rngs(0))(TOKENS))
    assert seen["linen"] == seen["nnx"]
    sizes = {"batch": 2, "seq": 12, "capacity": config.experts and config.capacity(12)} | vars(config)
    for names, shape in seen["linen"]:
        assert shape == tuple(sizes[name] for name in names.split())


@pytest.mark.slow
def test_it_learns() -> None:
    module, params = linen_decoder(DENSE), linen_params(DENSE)

    @jax.jit
    def step(params: Any, batch: Any) -> Any:
        loss, grads = jax.value_and_grad(lambda p: next_token_loss(module.bind({"params": p}), batch))(params)
        return loss, jax.tree.map(lambda p, g: p - 0.5 * g, params, grads)

    losses = []
    for batch in text_batches(8, 32, 40):
        loss, params = step(params, batch)
        losses.append(float(loss))
    assert losses[-1] < 0.7 * losses[0]
