"""What read_program refuses, and what it makes of a loss and an optimizer."""

import sys
from typing import Any

import jax
import jax.numpy as jnp
import optax
import pytest
from flax import linen as nn
from flax import nnx

from axisrules.adapters import constrain, read_program
from axisrules.diagnostics import AxisRulesError

BOTH = [nn.Dense(6), lambda rngs: nnx.Linear(6, 6, rngs=rngs)]
BATCH = jax.ShapeDtypeStruct((4, 6), "float32")


def mean_square(model: Any, batch: Any) -> jax.Array:
    return jnp.mean(model(batch) ** 2)


def refused(model: Any, loss: Any = mean_square, batch: Any = BATCH) -> Any:
    with pytest.raises(AxisRulesError) as caught:
        read_program(model, loss, batch)
    (found,) = caught.value.diagnostics
    return found, caught.value


@pytest.mark.parametrize("model", BOTH, ids=["linen", "nnx"])
def test_one_loss_serves_both(model: Any) -> None:
    program = read_program(model, mean_square, BATCH, optimizer=optax.adam(1e-3), batch_axes="batch embed")
    kinds = [(leaf.kind, leaf.path) for leaf in program.leaves]
    assert kinds[:4] == [
        ("params", "bias"),
        ("params", "kernel"),
        ("gradients", "bias"),
        ("gradients", "kernel"),
    ]
    assert ("optimizer", "0/mu/kernel") in kinds
    assert kinds[-1] == ("batch", "")
    assert program.batch_axes == {"": ("batch", "embed")}
    assert not program.has_metrics


def test_a_loss_may_bring_metrics() -> None:
    assert read_program(nn.Dense(6), lambda m, b: (mean_square(m, b), {"n": 1}), BATCH).has_metrics


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (lambda y: y, "float32[4, 6]"),
        (jnp.argmax, "int32[]"),
        (lambda y: (jnp.mean(y), y), "(float32[], float32[4, 6])"),
        (lambda y: (y, {}), "(float32[4, 6], dict)"),
        (lambda _: None, "NoneType"),
        (lambda y: {"loss": jnp.mean(y)}, "dict"),
    ],
)
def test_a_loss_without_a_scalar_is_refused(result: Any, words: str) -> None:
    found, _ = refused(nn.Dense(6), lambda model, batch: result(model(batch)))
    assert found.code == "AXR312"
    assert words in found.why


@pytest.mark.parametrize("model", [None, 3, "model", nn.Dense, nnx.Linear, object()])
def test_what_is_no_model_is_refused(model: Any) -> None:
    assert refused(model)[0].code == "AXR309"


def test_a_built_nnx_module_is_refused() -> None:
    found, _ = refused(nnx.Linear(6, 6, rngs=nnx.Rngs(0)))
    assert found.code == "AXR309"
    assert "lambda rngs" in found.fix


@pytest.mark.parametrize("model", BOTH, ids=["linen", "nnx"])
@pytest.mark.parametrize(
    "loss", [lambda m, b: jnp.mean(m(b["x"])), lambda _: 0.0, "loss", lambda m, b: float(m(b)[0, 0])]
)
def test_a_loss_that_cannot_be_traced_is_chained(model: Any, loss: Any) -> None:
    found, raised = refused(model, loss)
    assert found.code == "AXR311"
    assert raised.__cause__ is not None
    assert type(raised.__cause__).__name__ in found.why


def test_the_line_shown_is_the_users_own() -> None:
    class Broken(nn.Module):
        @nn.compact
        def __call__(self, x: jax.Array) -> jax.Array:
            return nn.Dense(6)(x) @ jnp.ones((7, 7))

    found, _ = refused(Broken())
    assert found.origin.file == __file__
    assert "jnp.ones((7, 7))" in found.origin.text


def test_a_constraint_of_another_rank_is_shown_at_its_line() -> None:
    class Misnamed(nn.Module):
        @nn.compact
        def __call__(self, x: jax.Array) -> jax.Array:
            return constrain(nn.Dense(6)(x), "batch seq embed")

    found, _ = refused(Misnamed())
    assert found.code == "AXR303"
    assert found.origin.file == "test_read.py"


def test_modules_that_hold_themselves_are_refused_and_the_interpreter_lives() -> None:
    class Endless(nn.Module):
        @nn.compact
        def __call__(self, x: jax.Array) -> jax.Array:
            return Endless()(x)

    class EndlessNnx(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.inner = EndlessNnx(rngs)

    limit = sys.getrecursionlimit()
    assert refused(Endless())[0].code == "AXR308"
    assert refused(EndlessNnx)[0].code == "AXR308"
    assert sys.getrecursionlimit() == limit
    assert read_program(nn.Dense(6), mean_square, BATCH).params["kernel"].shape == (6, 6)


def test_parameters_that_nest_too_deep_are_refused() -> None:
    def deep(key: jax.Array) -> Any:
        tree: Any = jnp.zeros(2)
        for _ in range(300):
            tree = {"a": tree}
        return tree

    class Deep(nn.Module):
        @nn.compact
        def __call__(self, x: jax.Array) -> jax.Array:
            self.param("deep", deep)
            return x

    found, _ = refused(Deep())
    assert found.code == "AXR308"


def test_a_batch_that_holds_itself_is_refused() -> None:
    batch: list[Any] = []
    batch.append(batch)
    assert refused(nn.Dense(6), batch=batch)[0].code == "AXR308"
