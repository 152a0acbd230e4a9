"""`constrain` wherever a model may call it; the sharding that JAX reports is the referee."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest
from jax.sharding import NamedSharding, PartitionSpec

import axisrules
from axisrules.diagnostics import AxisRulesError
from axisrules.mesh import parse_mesh

X = jnp.ones((8, 16))
RULES = axisrules.parse_rules(
    {"rules": {"batch": "data", "mlp": "tensor", "embed": [], "seq": {"any": ["tensor", []]}}}
)


@pytest.fixture(scope="module", params=["auto", "explicit"])
def partitioner(request, read):
    mesh = parse_mesh("data=2,tensor=4", axis_type=request.param)
    return axisrules.make_partitioner(
        read("linen"), RULES | axisrules.parse_rules({"rules": {"layers": []}}), mesh
    )


def placed(x, partitioner):
    """On the mesh, uncut: an Explicit mesh takes no array that lies elsewhere."""
    return jax.device_put(x, NamedSharding(partitioner.mesh, PartitionSpec()))


def run(function, partitioner, x=X):
    return partitioner.jit(function)(placed(x, partitioner))


def spec_of(array, partitioner):
    spec = tuple(array.sharding.spec) + (None,) * (array.ndim - len(array.sharding.spec))
    assert dict(array.sharding.mesh.shape) == dict(partitioner.mesh.shape)
    return spec


def constrained(x):
    return axisrules.constrain(x, "batch mlp")


def in_scan(x):
    return jax.lax.scan(lambda carry, _: (constrained(carry * 1.0), None), constrained(x), length=2)[0]


def in_linen(x):
    class Layer(nn.Module):
        @nn.compact
        def __call__(self, x):
            return constrained(x)

    return Layer().apply({}, x)


@pytest.mark.parametrize(
    "function",
    [constrained, jax.jit(constrained), jax.checkpoint(constrained), in_scan, in_linen],
    ids=["plain", "jit", "remat", "scan", "linen"],
)
def test_the_layout_is_the_plans(partitioner, function):
    assert spec_of(run(function, partitioner), partitioner) == ("data", "tensor")


def test_under_vmap_names_speak_of_the_inner_dims(partitioner):
    out = run(jax.vmap(constrained), partitioner, jnp.ones((3, 8, 16)))
    assert spec_of(out, partitioner)[1:] == ("data", "tensor")


def test_gradients_pass_through(partitioner):
    grad = run(jax.grad(lambda x: jnp.sum(constrained(x) ** 2)), partitioner)
    assert jnp.array_equal(grad, 2 * X)


def test_manual_mesh_axes_are_left_out(partitioner):
    def body(x):
        assert x.shape == (4, 16)
        return constrained(x)

    mapped = jax.shard_map(
        body,
        mesh=partitioner.mesh,
        in_specs=PartitionSpec("data"),
        out_specs=PartitionSpec("data"),
        axis_names={"data"},
    )

    def cut_by_rows(x):
        return mapped(axisrules.constrain(x, "batch embed"))  # Explicit types must match in_specs

    assert spec_of(run(cut_by_rows, partitioner), partitioner) == ("data", "tensor")


def test_all_manual_is_nothing_to_do(partitioner):
    mapped = jax.shard_map(
        constrained,
        mesh=partitioner.mesh,
        in_specs=PartitionSpec("data", "tensor"),
        out_specs=PartitionSpec("data", "tensor"),
    )
    assert jnp.array_equal(run(lambda x: mapped(constrained(x)), partitioner), X)


def test_a_dim_without_a_name_is_left_as_it_is(partitioner):
    def function(x):
        return axisrules.constrain(constrained(x), "_ mlp")

    assert spec_of(run(function, partitioner), partitioner) == ("data", "tensor")
    assert jnp.array_equal(run(lambda x: axisrules.constrain(x, "_ _"), partitioner), X)


def test_a_rule_to_nothing_gathers(partitioner):
    def function(x):
        return axisrules.constrain(constrained(x), ("batch", "embed"))

    assert spec_of(run(function, partitioner), partitioner) == ("data", None)


def test_sequence_parallelism_is_precedence(partitioner):
    x = jnp.ones((8, 4, 16))
    hidden = run(lambda x: axisrules.constrain(x, "batch seq mlp"), partitioner, x)
    residual = run(lambda x: axisrules.constrain(x, "batch seq embed"), partitioner, x)
    assert spec_of(hidden, partitioner) == ("data", None, "tensor")
    assert spec_of(residual, partitioner) == ("data", "tensor", None)


def test_no_plan_in_force_is_an_error_and_its_absence_can_be_declared():
    with pytest.raises(AxisRulesError) as caught:
        constrained(X)
    diagnostic = caught.value.diagnostics[0]
    assert diagnostic.code == "AXR501"
    assert diagnostic.origin.file == "test_activations.py"
    with axisrules.use_plan(None):
        assert constrained(X) is X


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ("batch", "AXR303"),
        ("batch seq mlp", "AXR303"),
        ("batch mpl", "AXR301"),
        ("batch tensor", "AXR302"),
        ("batch batch", "AXR304"),
        ("batch mlр", "AXR306"),  # noqa: RUF001 - the last letter is Cyrillic, on purpose
        (["batch", 3], "AXR306"),
        (7, "AXR306"),
    ],
)
def test_wrong_names_raise_at_the_models_own_line(partitioner, names, code):
    with pytest.raises(AxisRulesError) as caught:
        run(lambda x: axisrules.constrain(x, names), partitioner)
    assert [d.code for d in caught.value.diagnostics] == [code]
    assert caught.value.diagnostics[0].origin.file == "test_activations.py"


def test_an_uneven_activation_is_refused(partitioner):
    with pytest.raises(AxisRulesError) as caught:
        run(constrained, partitioner, jnp.ones((7, 16)))
    assert [d.code for d in caught.value.diagnostics] == ["AXR401"]
