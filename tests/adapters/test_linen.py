"""Programs from linen modules; the judge of shapes, values and names is Flax's own init."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from jax.sharding import AxisType
from numpy.testing import assert_allclose

from axisrules.adapters import Program, constrain, in_force, path_of, read_program
from axisrules.diagnostics import AxisRulesError
from axisrules.models import DecoderConfig, linen_decoder, next_token_loss

BATCH = jax.ShapeDtypeStruct((4, 6), "float32")


def mean_square(model: Any, batch: Any) -> jax.Array:
    return jnp.mean(model(batch) ** 2)


def read(module: nn.Module, loss: Any = mean_square, batch: Any = BATCH) -> Program:
    return read_program(module, loss, batch)


def shapes_by_path(tree: Any) -> dict[str, tuple[int, ...]]:
    return {path_of(keys): leaf.shape for keys, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]}


class Annotated(nn.Module):
    """One kernel, boxed in one of the two ways that linen has."""

    box: Any = nn.with_partitioning
    names: Any = ("embed", "mlp")

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        init = self.box(nn.initializers.lecun_normal(), self.names)
        return x @ self.param("kernel", init, (x.shape[-1], x.shape[-1]))


class Step(nn.Module):
    """What nn.scan and nn.vmap stack."""

    @nn.compact
    def __call__(self, x: jax.Array, _: Any) -> tuple[jax.Array, None]:
        return Annotated(name="inner")(x), None


class Scanned(nn.Module):
    metadata: Any
    dim: int = 0

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        stack = nn.scan(
            Step,
            variable_axes={"params": self.dim},
            split_rngs={"params": True},
            length=3,
            metadata_params=self.metadata,
        )
        return stack(name="layers")(x, None)[0]


class Mapped(nn.Module):
    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        stack = nn.vmap(
            Step,
            variable_axes={"params": 0},
            split_rngs={"params": True},
            in_axes=(None, None),
            axis_size=3,
            metadata_params={nn.PARTITION_NAME: "experts"},
        )
        return jnp.sum(stack(name="layers")(x, None)[0], axis=0)


class Trained(nn.Module):
    """State that a step carries along, and randomness."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = nn.BatchNorm(use_running_average=False, momentum=0.5)(nn.Dense(6)(x))
        return nn.Dropout(0.5, deterministic=False)(x)


@pytest.mark.parametrize("box", [nn.with_partitioning, nn.with_logical_partitioning])
def test_boxes_give_names_and_plain_arrays(box: Any) -> None:
    program = read(Annotated(box))
    assert program.api == "linen"
    assert program.param_axes == {"kernel": ("embed", "mlp")}
    assert program.params == {"kernel": jax.ShapeDtypeStruct((6, 6), "float32")}
    assert program.rest == {}


@pytest.mark.parametrize("axis_type", [AxisType.Auto, AxisType.Explicit])
@pytest.mark.parametrize("box", [nn.with_partitioning, nn.with_logical_partitioning])
def test_a_mesh_around_the_reader_changes_nothing(box: Any, axis_type: AxisType) -> None:
    with jax.set_mesh(jax.make_mesh((8,), ("embed",), axis_types=(axis_type,))):
        program = read(Annotated(box, ("vocab", "mlp")), batch=jax.ShapeDtypeStruct((8, 8), "float32"))
        assert program.params == {"kernel": jax.ShapeDtypeStruct((8, 8), "float32")}
        params, _ = jax.jit(program.init)(jax.random.key(0))
    assert params["kernel"].shape == (8, 8)


def test_a_parameter_without_a_box_has_no_names() -> None:
    assert read(nn.Dense(6)).param_axes == {"bias": None, "kernel": None}


@pytest.mark.parametrize(("dim", "names"), [(0, ("layers", "embed", "mlp")), (1, ("embed", "layers", "mlp"))])
def test_scan_names_the_stacked_dim(dim: int, names: tuple[str, ...]) -> None:
    program = read(Scanned({nn.PARTITION_NAME: "layers"}, dim))
    assert program.param_axes == {"layers/inner/kernel": names}
    assert len(program.params["layers"]["inner"]["kernel"].shape) == 3


def test_vmap_names_the_stacked_dim() -> None:
    assert read(Mapped()).param_axes == {"layers/inner/kernel": ("experts", "embed", "mlp")}


def test_a_stacked_dim_without_a_name_is_an_error_that_says_where_to_name_it() -> None:
    with pytest.raises(AxisRulesError) as caught:
        read(Scanned({}))
    (found,) = caught.value.diagnostics
    assert found.code == "AXR303"
    assert "PARTITION_NAME" in found.fix
    assert found.origin is not None
    assert found.origin.file == __file__


def test_init_is_flaxs_own_init_bit_for_bit() -> None:
    module, key = Scanned({nn.PARTITION_NAME: "layers"}), jax.random.key(7)
    params, rest = jax.jit(read(module).init)(key)
    expected = jax.jit(lambda: nn.unbox(module.init(key, jnp.zeros((4, 6)))))()["params"]
    assert rest == {}
    assert jax.tree.structure(params) == jax.tree.structure(expected)
    jax.tree.map(np.testing.assert_array_equal, params, expected)


def test_bind_and_collect_are_flaxs_apply() -> None:
    module, x, key = Trained(), jax.random.normal(jax.random.key(1), (4, 6)), jax.random.key(2)
    program = read(module)
    assert shapes_by_path(program.rest) == {
        "batch_stats/BatchNorm_0/mean": (6,),
        "batch_stats/BatchNorm_0/var": (6,),
    }
    assert set(program.rest_kinds.values()) == {"params"}

    @jax.jit
    def step(params: Any, rest: Any) -> Any:
        model = program.bind(params, rest, key)
        return model(x), program.collect(model)

    params, rest = program.init(jax.random.key(0))
    y, rest_after = step(params, rest)
    expected, mutated = module.apply(
        {"params": params, **rest},
        x,
        rngs={"params": key, "dropout": jax.random.fold_in(key, 1)},
        mutable=["batch_stats"],
    )
    assert_allclose(y, expected, rtol=1e-6)
    jax.tree.map(lambda a, b: assert_allclose(a, b, rtol=1e-6), rest_after, mutated)
    assert not np.allclose(rest_after["batch_stats"]["BatchNorm_0"]["mean"], 0.0)
    assert jax.tree.structure(rest_after) == jax.tree.structure(rest)


def test_without_a_key_there_is_no_randomness() -> None:
    program = read(Trained())
    model = program.bind(*program.init(jax.random.key(0)), None)
    with pytest.raises(Exception, match="dropout"):
        model(jnp.ones((4, 6)))


class Cached(nn.Module):
    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        zeros = nn.with_partitioning(nn.initializers.zeros_init(), ("batch", "embed"))
        seen = self.variable("cache", "seen", zeros, None, x.shape)
        seen.value = seen.value + x
        return Annotated()(seen.value)


def test_a_cache_has_its_own_kind_and_its_names() -> None:
    program = read(Cached())
    assert program.rest_kinds == {"cache/seen": "cache"}
    assert program.rest_axes == {"cache/seen": ("batch", "embed")}
    assert {leaf.path: leaf.kind for leaf in program.leaves}["cache/seen"] == "cache"
    params, _ = program.init(jax.random.key(0))
    model = program.bind(params, {"cache": {"seen": jnp.ones((4, 6))}}, None)
    model(jnp.ones((4, 6)))
    np.testing.assert_array_equal(program.collect(model)["cache"]["seen"], 2.0)


class Sowing(nn.Module):
    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        self.sow("losses", "size", jnp.sum(x))
        self.sow("intermediates", "x", x)
        return nn.Dense(6)(x)


def test_sown_values_are_no_state() -> None:
    def loss(model: nn.Module, batch: Any) -> Any:
        y = model(batch)
        (size,) = model.variables["losses"]["size"]
        return jnp.mean(y) + size, {"size": size}

    program = read(Sowing(), loss)
    assert program.rest == {}
    assert program.has_metrics
    params, rest = program.init(jax.random.key(0))
    model = program.bind(params, rest, jax.random.key(1))
    assert loss(model, jnp.ones((4, 6)))[1]["size"] == 24.0
    assert program.collect(model) == {}


class Constrained(nn.Module):
    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        for width in (6, 6, 8):
            x = constrain(nn.Dense(width)(x), "batch embed")
        stack = nn.scan(Inside, variable_axes={"params": 0}, split_rngs={"params": True}, length=2)
        return stack()(x, None)[0]


class Inside(nn.Module):
    @nn.compact
    def __call__(self, x: jax.Array, _: Any) -> tuple[jax.Array, None]:
        return constrain(nn.Dense(8)(x), "batch mlp"), None


def test_activations_are_recorded_once_per_line_shape_and_names() -> None:
    found = read(Constrained()).activations
    (file,) = {leaf.path.split(":")[0] for leaf in found}
    assert file == "test_linen.py"
    assert [(leaf.kind, leaf.shape, leaf.logical_axes) for leaf in found] == [
        ("activations", (4, 6), ("batch", "embed")),
        ("activations", (4, 8), ("batch", "embed")),
        ("activations", (4, 8), ("batch", "mlp")),
    ]
    first, second, third = (leaf.path for leaf in found)
    assert second == f"{first}#2"
    assert "#" not in third


def test_a_model_that_jit_has_cached_is_read_all_the_same() -> None:
    @jax.jit
    def double(x: jax.Array) -> jax.Array:
        return constrain(2.0 * x, "batch embed")

    class Jitted(nn.Module):
        @nn.compact
        def __call__(self, x: jax.Array) -> jax.Array:
            return double(nn.Dense(6)(x))

    with in_force(None):
        double(jnp.ones((4, 6)))
    assert [leaf.logical_axes for leaf in read(Jitted()).activations] == [("batch", "embed")]
    assert len(read(Jitted()).activations) == 1


def test_names_that_are_none_are_reported_together() -> None:
    class Misnamed(nn.Module):
        @nn.compact
        def __call__(self, x: jax.Array) -> jax.Array:
            for number, names in enumerate(
                [("embed ", None), (("data", "fsdp"), None), "embed", (1, 2), ("\u0435", "mlp")]
            ):
                box = nn.with_partitioning(nn.initializers.ones_init(), names)
                x = x @ self.param(f"kernel{number}", box, (6, 6))
            return x

    with pytest.raises(AxisRulesError) as caught:
        read(Misnamed())
    assert [(d.code, d.subject) for d in caught.value.diagnostics] == [
        ("AXR306", f"params/kernel{number}") for number in range(5)
    ]


def test_seventy_billion_parameters_are_read_without_allocating_one() -> None:
    config = DecoderConfig(
        vocab=128_256, embed=8192, heads=64, kv_heads=8, head_dim=128, mlp=28_672, layers=80
    )
    batch = {name: jax.ShapeDtypeStruct((8, 8192), "int32") for name in ("inputs", "targets")}
    program = read(linen_decoder(config, constrain), next_token_loss, batch)
    assert sum(leaf.size for leaf in jax.tree.leaves(program.params)) > 70_000_000_000
    assert not [array for array in jax.live_arrays() if array.size > 10_000_000]
