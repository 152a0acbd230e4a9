"""Accumulated gradients beside those of the whole batch, and the compiled HLO's collectives."""

import re

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import axisrules
from axisrules.diagnostics import AxisRulesError
from tests.memory.models import WIDTH

ROWS = 32
# An optimizer whose state is the gradient, bit for bit.
GRADIENTS = optax.trace(0.0)


class Regression(nn.Module):
    dropout: float = 0.0

    @nn.compact
    def __call__(self, x):
        x = nn.tanh(nn.Dense(WIDTH, name="first")(x))
        x = nn.Dropout(self.dropout, deterministic=not self.has_rng("dropout"))(x)
        return nn.Dense(1, name="second")(x)


class Deep(nn.Module):
    @nn.compact
    def __call__(self, x):
        for _ in range(6):
            x = nn.tanh(nn.Dense(32)(x))
        return x


class NnxRegression(nnx.Module):
    def __init__(self, rngs):
        self.first = nnx.Linear(WIDTH, WIDTH, rngs=rngs)
        self.seen = nnx.BatchStat(jnp.zeros(()))
        self.second = nnx.Linear(WIDTH, 1, rngs=rngs)

    def __call__(self, x):
        self.seen[...] = self.seen[...] + jnp.mean(x)
        return self.second(nnx.tanh(self.first(x)))


def mean(model, batch):
    return jnp.mean((model(batch["x"])[:, 0] - batch["y"]) ** 2)


def mean_square(model, batch):
    return jnp.mean(model(batch["x"]) ** 2)


def total(model, batch):
    return jnp.sum((model(batch["x"])[:, 0] - batch["y"]) ** 2)


def masked(model, batch):
    error = (model(batch["x"])[:, 0] - batch["y"]) ** 2
    tokens = jnp.sum(batch["mask"])
    return jnp.sum(error * batch["mask"]) / tokens, {"tokens": tokens, "rows": error.shape[0] * 1.0}


@pytest.fixture(scope="module")
def batch():
    random = np.random.default_rng(0)
    return {
        "x": random.normal(size=(ROWS, WIDTH)).astype("float32"),
        "y": random.normal(size=ROWS).astype("float32"),
        # Very unlike weights: a plain average of the parts would be far off.
        "mask": (random.uniform(size=ROWS) < np.linspace(0.05, 1, ROWS)).astype("float32"),
    }


def step_of(model, loss, batch, mesh="data=4", rules="dp", **training):
    program = axisrules.read_program(model, loss, batch, optimizer=GRADIENTS)
    devices = jax.devices()[: axisrules.parse_mesh(mesh).device_count]
    partitioner = axisrules.make_partitioner(program, rules, mesh, devices=devices, **training)
    return partitioner, partitioner.train_step(donate=False)


def trained(partitioner, step, batch):
    state = partitioner.init(jax.random.key(0))
    after, metrics = step(state, partitioner.place(batch))
    grads = jax.tree.map(np.asarray, after.opt_state.trace)
    return grads, jax.tree.map(np.asarray, metrics), after


def difference(found, wanted):
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True)
    return max(np.max(np.abs(a - b)) / np.max(np.abs(b)) for a, b in pairs)


CASES = {
    "mean": (mean, {}),
    "sum": (total, {"loss": "sum"}),
    "masked": (masked, {"weight": "tokens"}),
}


@pytest.mark.parametrize("mesh", ["data=1", "data=4"])
@pytest.mark.parametrize("case", CASES)
def test_the_gradient_is_that_of_the_whole_batch(batch, case, mesh):
    loss, options = CASES[case]
    wanted, wanted_metrics, _ = trained(*step_of(Regression(), loss, batch, "data=1"), batch)
    for count in (2, 8):
        parts = {"microbatches": count, **options}
        found, metrics, _ = trained(*step_of(Regression(), loss, batch, mesh, accumulate=parts), batch)
        assert difference(found, wanted) <= 1e-6
        np.testing.assert_allclose(metrics["loss"], wanted_metrics["loss"], rtol=1e-6)


def test_a_weight_is_summed_and_other_metrics_are_averaged_by_it(batch):
    parts = {"microbatches": 4, "weight": "tokens"}
    _, metrics, _ = trained(*step_of(Regression(), masked, batch, accumulate=parts), batch)
    assert metrics["tokens"] == batch["mask"].sum()
    assert metrics["rows"] == ROWS / 16, "each of 4 devices sees an eighth of a quarter at a time"


def data_reductions(text):
    return len(re.findall(r" all-reduce(?:-start)?\(", text))


@pytest.mark.parametrize("count", [2, 8])
def test_gradients_are_reduced_over_data_once(batch, count):
    partitioner, step = step_of(
        Regression(), masked, batch, accumulate={"microbatches": count, "weight": "tokens"}
    )
    state = partitioner.init(jax.random.key(0))
    assert data_reductions(step.lower(state, partitioner.place(batch)).compile().as_text()) == 1


def test_memory_falls_with_the_number_of_parts():
    batch = {"x": jax.ShapeDtypeStruct((512, WIDTH), "float32")}
    taken = []
    for count in (1, 8):
        partitioner, step = step_of(Deep(), mean_square, batch, "data=1", accumulate=count)
        compiled = step.lower(partitioner.abstract_state, batch).compile()
        taken.append(compiled.memory_analysis().temp_size_in_bytes)
    assert taken[1] <= taken[0] / 4


@pytest.mark.parametrize("rules", ["fsdp", "fsdp_tp"])
def test_parameters_that_are_cut_are_left_to_xla(rules):
    mesh = "fsdp=4" if rules == "fsdp" else "data=2,fsdp=2,tensor=2"
    x = np.random.default_rng(0).normal(size=(ROWS, WIDTH)).astype("float32")

    class Named(nn.Module):
        @nn.compact
        def __call__(self, x):
            up = nn.with_logical_partitioning(nn.initializers.lecun_normal(), ("embed", "mlp"))
            return nn.tanh(x @ self.param("up", up, (WIDTH, 16)))

    wanted, _, _ = trained(*step_of(Named(), mean_square, {"x": x}, "data=1"), {"x": x})
    found, _, _ = trained(*step_of(Named(), mean_square, {"x": x}, mesh, rules, accumulate=4), {"x": x})
    assert difference(found, wanted) <= 1e-6


def test_every_part_and_every_device_draws_its_own_dropout():
    same = {"x": np.ones((ROWS, WIDTH), "float32"), "y": np.zeros(ROWS, "float32")}

    def loss(model, batch):
        kept = model(batch["x"])[:, 0]
        return jnp.mean(kept), {"square": jnp.mean(kept) ** 2}

    partitioner, step = step_of(Regression(0.5), loss, same, accumulate=8)
    _, metrics, _ = trained(partitioner, step, same)
    # One row to a device and part: 32 equal rows with one mask would have no variance.
    assert metrics["square"] - metrics["loss"] ** 2 > 1e-3


def test_what_a_model_carries_along_goes_from_part_to_part(batch):
    partitioner, step = step_of(NnxRegression, mean_square, {"x": batch["x"]}, accumulate=8)
    _, _, after = trained(partitioner, step, {"x": batch["x"]})
    np.testing.assert_allclose(after.rest["seen"], 8 * batch["x"].mean(), rtol=1e-5, atol=1e-6)


def test_accumulation_and_remat_go_together(batch):
    x = {"x": batch["x"]}
    plain, _, _ = trained(*step_of(Deep(), mean_square, x, "data=1"), x)
    found, _, _ = trained(*step_of(Deep(), mean_square, x, remat="full", accumulate=2), x)
    assert difference(found, plain) <= 1e-6


@pytest.mark.parametrize(
    ("loss", "parts", "code"),
    [
        (lambda model, batch: jnp.sqrt(mean(model, batch)), 2, "AXR774"),
        (total, 2, "AXR774"),
        (mean, {"microbatches": 2, "loss": "sum"}, "AXR774"),
        (lambda model, batch: (mean(model, batch), {"all": batch["y"]}), 2, "AXR774"),
        (lambda model, batch: masked(model, batch)[0], 2, "AXR775"),
        (mean, {"microbatches": 2, "weight": "tokens"}, "AXR775"),
        (lambda model, batch: jnp.mean(jnp.outer(model(batch["x"]), batch["y"])), 2, "AXR774"),
    ],
    ids=["root", "sum", "mean", "rows", "count", "metric", "contrast"],
)
def test_a_loss_whose_parts_do_not_add_up_is_an_error(batch, loss, parts, code):
    partitioner, step = step_of(Regression(), loss, batch, accumulate=parts)
    with pytest.raises(AxisRulesError) as caught:
        step.lower(partitioner.abstract_state, batch)
    assert {d.code for d in caught.value.diagnostics} == {code}


@pytest.mark.parametrize(("count", "mesh"), [(3, "data=1"), (16, "data=4")])
def test_parts_must_divide_the_rows_of_every_device(batch, count, mesh):
    with pytest.raises(AxisRulesError) as caught:
        step_of(Regression(), mean, batch, mesh, accumulate=count)
    assert {d.code for d in caught.value.diagnostics} == {"AXR773"}
