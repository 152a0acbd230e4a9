"""Programs from nnx constructors; the judge of shapes, values and names is Flax's own module."""

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.sharding import AxisType, PartitionSpec
from numpy.testing import assert_allclose

from axisrules.adapters import Program, constrain, read_program
from axisrules.diagnostics import AxisRulesError
from axisrules.models import DecoderConfig, next_token_loss, nnx_decoder

BATCH = jax.ShapeDtypeStruct((4, 6), "float32")
NORMAL = nnx.initializers.lecun_normal()


def mean_square(model: Any, batch: Any) -> jax.Array:
    return jnp.mean(model(batch) ** 2)


def read(build: Any, loss: Any = mean_square, batch: Any = BATCH) -> Program:
    return read_program(build, loss, batch)


class Linear(nnx.Module):
    """A kernel annotated by a metadata keyword of the given name."""

    def __init__(self, rngs: nnx.Rngs, **metadata: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # for the older names
            self.kernel = nnx.Param(NORMAL(rngs.params(), (6, 6)), **metadata)

    def __call__(self, x: jax.Array) -> jax.Array:
        return x @ self.kernel[...]


def annotated(rngs: nnx.Rngs) -> nnx.Linear:
    return nnx.Linear(6, 6, rngs=rngs, kernel_init=nnx.with_partitioning(NORMAL, ("embed", "mlp")))


class Stacked(nnx.Module):
    """Three layers, built by nnx.vmap and run by nnx.scan."""

    def __init__(self, rngs: nnx.Rngs, metadata: Any) -> None:
        @nnx.split_rngs(splits=3)
        @nnx.vmap(in_axes=0, out_axes=0, transform_metadata=metadata)
        def build(rngs: nnx.Rngs) -> nnx.Linear:
            return annotated(rngs)

        self.layers, self.metadata = build(rngs), nnx.static(tuple(metadata.items()))

    def __call__(self, x: jax.Array) -> jax.Array:
        @nnx.scan(in_axes=(0, nnx.Carry), out_axes=nnx.Carry, transform_metadata=dict(self.metadata))
        def run(layer: nnx.Linear, x: jax.Array) -> jax.Array:
            return constrain(layer(x), "batch embed")

        return run(self.layers, x)


class Trained(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.blocks = nnx.List([nnx.Linear(6, 6, rngs=rngs) for _ in range(2)])
        self.norm = nnx.BatchNorm(6, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)
        self.seen = nnx.Cache(jnp.zeros((4, 6)), out_sharding=("batch", "embed"))

    def __call__(self, x: jax.Array) -> jax.Array:
        self.seen[...] = self.seen[...] + x
        self.last = nnx.Intermediate(x)
        for block in self.blocks:
            x = block(x)
        return self.dropout(self.norm(x))


@pytest.mark.parametrize("name", ["out_sharding", "sharding", "sharding_names"])
@pytest.mark.parametrize("names", [("embed", "mlp"), PartitionSpec("embed", "mlp")], ids=["tuple", "spec"])
def test_metadata_gives_names_under_its_newer_and_older_names(name: str, names: Any) -> None:
    program = read(lambda rngs: Linear(rngs, **{name: names}))
    assert program.api == "nnx"
    assert program.param_axes == {"kernel": ("embed", "mlp")}
    assert program.params == {"kernel": jax.ShapeDtypeStruct((6, 6), "float32")}


def test_with_partitioning_gives_names() -> None:
    assert read(annotated).param_axes == {"bias": None, "kernel": ("embed", "mlp")}


@pytest.mark.parametrize("axis_type", [AxisType.Auto, AxisType.Explicit])
def test_a_mesh_around_the_reader_changes_nothing(axis_type: AxisType) -> None:
    with jax.set_mesh(jax.make_mesh((8,), ("embed",), axis_types=(axis_type,))):
        program = read(annotated)
        assert program.params["kernel"] == jax.ShapeDtypeStruct((6, 6), "float32")
        params, _ = jax.jit(program.init)(jax.random.key(0))
    assert params["kernel"].shape == (6, 6)


def test_vmap_and_scan_name_the_stacked_dim() -> None:
    program = read(lambda rngs: Stacked(rngs, {nnx.PARTITION_NAME: "layers"}))
    assert program.param_axes["layers/kernel"] == ("layers", "embed", "mlp")
    assert program.params["layers"]["kernel"].shape == (3, 6, 6)
    assert [leaf.logical_axes for leaf in program.activations] == [("batch", "embed")]


def test_a_stacked_dim_without_a_name_leaves_one_name_too_few() -> None:
    program = read(lambda rngs: Stacked(rngs, {}))
    assert program.param_axes["layers/kernel"] == ("embed", "mlp")
    assert program.params["layers"]["kernel"].shape == (3, 6, 6)


def test_init_is_flaxs_own_module_bit_for_bit() -> None:
    def build(rngs: nnx.Rngs) -> nnx.Module:
        return Stacked(rngs, {nnx.PARTITION_NAME: "layers"})

    key = jax.random.key(7)
    params, rest = jax.jit(read(build).init)(key)
    with nnx.use_eager_sharding(False):
        expected = nnx.jit(lambda: build(nnx.Rngs(key)))()
    assert rest == {}
    jax.tree.map(np.testing.assert_array_equal, params, nnx.to_pure_dict(nnx.state(expected, nnx.Param)))


def test_bind_and_collect_carry_statistics_caches_and_random_streams() -> None:
    program = read(Trained)
    assert program.rest_kinds == {
        "dropout/rngs/count": "params",
        "dropout/rngs/key": "params",
        "norm/mean": "params",
        "norm/var": "params",
        "seen": "cache",
    }
    assert program.rest_axes["seen"] == ("batch", "embed")
    assert program.rest_axes["dropout/rngs/key"] == ()
    assert set(program.param_axes) == {f"blocks/{n}/{w}" for n in (0, 1) for w in ("bias", "kernel")} | {
        "norm/bias",
        "norm/scale",
    }

    @jax.jit
    def step(params: Any, rest: Any, x: jax.Array) -> Any:
        model = program.bind(params, rest, jax.random.key(1))
        return model(x), program.collect(model)

    x = jax.random.normal(jax.random.key(5), (4, 6))
    params, rest = program.init(jax.random.key(0))
    y, rest_after = step(params, rest, x)
    with nnx.use_eager_sharding(False):
        expected = Trained(nnx.Rngs(jax.random.key(0)))
    assert_allclose(y, expected(x), rtol=1e-5, atol=1e-6)
    assert_allclose(rest_after["norm"]["mean"], expected.norm.mean[...], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(rest_after["seen"], x)
    assert rest_after["dropout"]["rngs"]["count"] == rest["dropout"]["rngs"]["count"] + 1
    assert jax.tree.structure(rest_after) == jax.tree.structure(rest)
    assert not np.allclose(y, step(params, rest_after, x)[0])  # another dropout mask


def test_without_a_key_the_model_is_in_eval_mode() -> None:
    program = read(Trained)
    params, rest = program.init(jax.random.key(0))
    first, second = (program.bind(params, rest, None)(jnp.ones((4, 6))) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_random_streams_split_over_layers_need_no_names() -> None:
    class Noisy(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            @nnx.split_rngs(splits=3)
            @nnx.vmap
            def build(rngs: nnx.Rngs) -> nnx.Dropout:
                return nnx.Dropout(0.5, rngs=rngs)

            self.layers, self.linear = build(rngs), annotated(rngs)

        def __call__(self, x: jax.Array) -> jax.Array:
            return self.linear(x)

    axes = read(Noisy).rest_axes
    assert set(axes) == {"layers/rngs/count", "layers/rngs/key"}
    assert set(axes.values()) == {(None,)}


def test_an_array_that_is_no_variable_is_carried_along() -> None:
    class Positional(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.linear, self.table = annotated(rngs), jnp.arange(6.0)

        def __call__(self, x: jax.Array) -> jax.Array:
            return self.linear(x + self.table)

    program = read(Positional)
    assert program.rest_axes == {"table": None}
    params, rest = program.init(jax.random.key(0))
    np.testing.assert_array_equal(rest["table"], np.arange(6.0))
    model = program.bind(params, rest, None)
    model(jnp.ones((4, 6)))
    np.testing.assert_array_equal(program.collect(model)["table"], np.arange(6.0))


def test_names_that_are_none_are_reported_together() -> None:
    class Misnamed(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.a, self.b, self.c = (
                Linear(rngs, out_sharding=("a b", None)),
                Linear(rngs, out_sharding="embed"),
                annotated(rngs),
            )

    with pytest.raises(AxisRulesError) as caught:
        read(Misnamed)
    assert [(d.code, d.subject) for d in caught.value.diagnostics] == [
        ("AXR306", "a/kernel"),
        ("AXR306", "b/kernel"),
    ]


def test_a_constructor_that_gives_no_module_is_refused() -> None:
    with pytest.raises(AxisRulesError) as caught:
        read(lambda rngs: rngs)
    assert caught.value.diagnostics[0].code == "AXR309"


def test_seventy_billion_parameters_are_read_without_allocating_one() -> None:
    config = DecoderConfig(
        vocab=128_256, embed=8192, heads=64, kv_heads=8, head_dim=128, mlp=28_672, layers=80
    )
    batch = {name: jax.ShapeDtypeStruct((8, 8192), "int32") for name in ("inputs", "targets")}
    program = read(nnx_decoder(config, constrain), next_token_loss, batch)
    assert sum(leaf.size for leaf in jax.tree.leaves(program.params)) > 70_000_000_000
    assert not [array for array in jax.live_arrays() if array.size > 10_000_000]
