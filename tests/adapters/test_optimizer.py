"""Every optax state gets the axes of the parameter dims that it keeps; the table here is written by hand."""

import jax
import jax.numpy as jnp
import optax
import pytest

from axisrules.adapters import name_optimizer_state

EMBED_MLP = ("embed", "mlp")
QUERY = ("embed", "heads", "head_dim")


def shape(*sizes):
    return jax.ShapeDtypeStruct(sizes, jnp.float32)


PARAMS = {
    "mlp": {"kernel": shape(256, 512), "bias": shape(512)},
    "attn": {"query": shape(256, 8, 32)},
    "square": shape(256, 256),
}
AXES = {
    "mlp/kernel": EMBED_MLP,
    "mlp/bias": ("mlp",),
    "attn/query": QUERY,
    "square": ("embed", "embed_out"),
}


def named(optimizer, params=PARAMS, axes=AXES):
    return name_optimizer_state(optimizer, params, axes)[1]


def masked(transform):
    kept = {"mlp": {"kernel": True, "bias": False}, "attn": {"query": True}, "square": False}
    return optax.masked(transform, kept)


def by_group(*transforms):
    labels = {"mlp": {"kernel": "a", "bias": "b"}, "attn": {"query": "a"}, "square": "b"}
    return optax.multi_transform(dict(zip("ab", transforms, strict=True)), labels)


FULL_COPIES = {
    "adam": (optax.adam(1e-3), 2),
    "adamw": (optax.adamw(1e-3), 2),
    "sgd": (optax.sgd(1e-3, momentum=0.9), 1),
    "lion": (optax.lion(1e-3), 1),
    "chain": (optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(1e-3)), 2),
    "multi_steps": (optax.MultiSteps(optax.adam(1e-3), 4).gradient_transformation(), 3),
    "inject_hyperparams": (optax.inject_hyperparams(optax.adam)(learning_rate=1e-3), 2),
    "schedule_free": (optax.contrib.schedule_free_adamw(1e-3), 2),
    "multi_transform": (by_group(optax.adam(1e-3), optax.adam(1e-2)), 2),
}


@pytest.mark.parametrize(("optimizer", "copies"), FULL_COPIES.values(), ids=FULL_COPIES)
def test_full_copies_have_the_axes_of_their_parameter(optimizer, copies):
    state, axes = name_optimizer_state(optimizer, PARAMS, AXES)
    found = {path: [a for p, a in axes.items() if p.endswith(path)] for path in AXES}
    assert found == {path: [AXES[path]] * copies for path in AXES}
    assert None not in axes.values()
    assert len(axes) == len(jax.tree.leaves(state))


def test_masked_states_name_what_they_keep():
    axes = named(masked(optax.adam(1e-3)))
    kept = {path: names for path, names in axes.items() if not path.endswith("count")}
    assert sorted(kept.values()) == sorted([EMBED_MLP, QUERY] * 2)


def test_adafactor_factors_lose_the_dim_they_are_averaged_over():
    axes = named(optax.adafactor(1e-3))
    rows = {path.split("v_row/")[1]: names for path, names in axes.items() if "v_row" in path}
    columns = {path.split("v_col/")[1]: names for path, names in axes.items() if "v_col" in path}
    assert rows["mlp/kernel"] == ("embed",)
    assert columns["mlp/kernel"] == ("mlp",)
    # Two dims of one size cannot be told apart by shape: the distinct-size probe tells.
    assert rows["square"] == ("embed",)
    assert columns["square"] == ("embed_out",)
    assert rows["mlp/bias"] == (None,)


def test_sm3_keeps_one_dim_in_each_accumulator():
    axes = named(optax.sm3(1e-3))
    query = [names for path, names in axes.items() if "attn/query" in path]
    assert sorted(query, key=str) == sorted([("embed",), ("heads",), ("head_dim",), QUERY], key=str)


def test_lbfgs_memory_stacks_the_parameter():
    axes = named(optax.lbfgs(1e-3, memory_size=4))
    kernels = {names for path, names in axes.items() if path.endswith("mlp/kernel")}
    assert kernels == {EMBED_MLP, (None, *EMBED_MLP)}
    assert None not in [names for path, names in axes.items() if "/" in path and "kernel" in path]


def test_muon_names_every_moment():
    axes = named(optax.contrib.muon(1e-3))
    assert {names for path, names in axes.items() if path.endswith("mlp/kernel")} == {EMBED_MLP}
    assert {names for path, names in axes.items() if path.endswith("mlp/bias")} == {("mlp",)}
    unnamed = [path for path, names in axes.items() if names is None]
    assert [path.rsplit("/", 1)[1] for path in unnamed] == ["ns_coeffs"]  # belongs to no parameter


def test_a_path_inside_another_goes_to_the_longer_one():
    params = {"kernel": shape(8, 4), "deep": {"kernel": shape(4, 8)}}
    axes = named(optax.sgd(1e-3, momentum=0.9), params, {"kernel": ("a", "b"), "deep/kernel": ("c", "d")})
    assert axes == {"0/trace/kernel": ("a", "b"), "0/trace/deep/kernel": ("c", "d")}


def test_state_without_a_parameter_is_left_unnamed():
    def init(params):
        return {"all": jnp.zeros(sum(p.size for p in jax.tree.leaves(params)))}

    assert named(optax.GradientTransformation(init, optax.identity().update)) == {"all": None}


def test_names_follow_the_computation_where_paths_and_shapes_do_not_tell():
    """One array of state under a name of its own, transposed: only `update` says whose it is."""

    def init(params):
        return {"mean": jnp.zeros((512, 256)), "rows": jnp.zeros((256,))}

    def update(grads, state, params=None):
        kernel = grads["mlp"]["kernel"]
        return grads, {"mean": 0.9 * state["mean"] + kernel.T, "rows": state["rows"] + kernel.sum(1)}

    axes = named(optax.GradientTransformation(init, update))
    assert axes == {"mean": ("mlp", "embed"), "rows": ("embed",)}


def test_low_rank_projections_are_named_where_they_meet_a_parameter():
    axes = named(optax.contrib.galore(1e-3, rank=8))
    assert axes["0/base_optimizer_state/mu/mlp/kernel"] == ("embed", None)
    assert axes["0/projector/mlp/kernel"] == ("mlp", None)


def test_an_update_that_fails_on_its_own_leaves_paths_and_shapes():
    def update(grads, state, params=None, *, colour):
        return grads, state

    trace = optax.trace(0.9)
    axes = named(optax.GradientTransformationExtraArgs(trace.init, update))
    assert axes["trace/mlp/kernel"] == EMBED_MLP
