"""Pipelined losses and gradients against one device, bubbles filled with NaN."""

import re
from dataclasses import replace
from functools import partial

import jax
import numpy as np
import pytest

import axisrules
from axisrules.schedules import loops, make_schedule
from tests.pipeline.conftest import LinenModel, NnxModel, token_loss

LOSS, GRADIENTS = 1e-6, 5e-6


def spread(objective):
    """The same with the head's work shared among the stages."""
    s = objective.schedule
    made = make_schedule(s.name, s.stages, s.microbatches, s.repeats, head_rounds=s.stages)
    return replace(objective, schedule=made)


def is_close(found):
    return found.loss <= LOSS and found.gradients <= GRADIENTS and found.metrics <= 1e-5


def permutes(text):
    return len(re.findall(r" collective-permute(?:-start)?\(", text))


def others(text):
    """Collectives inside of loops that are no permutes: they have a body's computation above them."""
    bodies = re.findall(r"^%?\S*(?:body|region|cond)\S* .*?^}", text, re.MULTILINE | re.DOTALL)
    return sum(len(re.findall(r" (?:all-reduce|all-gather|all-to-all|reduce-scatter)\(", b)) for b in bodies)


def test_1f1b_is_one_device(read, compare):
    found = compare(read(), schedule="1f1b", microbatches=4)
    assert is_close(found)
    assert permutes(found.text) == 4 - 1, (
        "the loops that fill and drain two stages have one turn: one is inlined"
    )


CASES = {
    "gpipe": (LinenModel(), {"schedule": "gpipe", "microbatches": 2}, None),
    "fewer microbatches than stages": (LinenModel(tied=True), {"schedule": "1f1b", "microbatches": 1}, None),
    "tied, auxiliary loss": (LinenModel(tied=True, aux=True), {"schedule": "1f1b", "microbatches": 4}, None),
    "interleaved": (LinenModel(), {"schedule": "interleaved", "repeats": 2, "microbatches": 4}, None),
    "uneven": (LinenModel(layers=5), {"schedule": "1f1b", "microbatches": 2, "split": [3, 2]}, None),
    "zero bubble": (LinenModel(), {"schedule": "zero_bubble", "microbatches": 4}, None),
    "zero bubble, uneven": (
        LinenModel(layers=5, aux=True),
        {"schedule": "zero_bubble", "microbatches": 4, "split": [3, 2]},
        None,
    ),
    "spread head": (LinenModel(), {"schedule": "1f1b", "microbatches": 2}, spread),
    "spread head, interleaved": (
        LinenModel(tied=True),
        {"schedule": "interleaved", "repeats": 2, "microbatches": 2},
        spread,
    ),
    "spread head, gpipe": (LinenModel(), {"schedule": "gpipe", "microbatches": 2}, spread),
    "nnx": (NnxModel, {"schedule": "1f1b", "microbatches": 4}, None),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_schedule_is_one_device(read, compare, name):
    model, pipeline, change = CASES[name]
    found = compare(read(model), change=change, **pipeline)
    assert is_close(found)


@pytest.mark.slow
def test_tensor_parallelism_goes_along(read, compare):
    found = compare(read(LinenModel(tied=True)), "stage=2,data=2,tensor=2", schedule="1f1b", microbatches=2)
    assert is_close(found)


def microbatch_mean(program, arrays, rest, key, count):
    """One device on one microbatch after the other, each with the key that the pipeline gives it."""

    def plain(params):
        losses = []
        for i in range(count):
            part = {name: np.split(values, count)[i] for name, values in arrays.items()}
            folded = jax.random.fold_in(key, i)
            keys = jax.tree.map(partial(fold_all, i=i), rest)
            losses.append(program.loss(program.bind(params, keys, folded), part))
        return jax.tree.map(lambda *parts: sum(parts) / count, *losses)

    return plain


def fold_all(leaf, i):
    if not jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return leaf
    fold = partial(jax.random.fold_in, data=i)
    for _ in range(leaf.ndim):
        fold = jax.vmap(fold)
    return fold(leaf)


@pytest.mark.slow
@pytest.mark.parametrize(
    "model", [LinenModel(dropout=0.3), partial(NnxModel, dropout=0.3)], ids=["linen", "nnx"]
)
def test_dropout_is_that_of_its_microbatch(read, compare, batch, model):
    program = read(model)
    arrays = batch() | {"weights": np.ones((8, 3), "float32")}
    key = jax.random.key(0)
    with axisrules.use_plan(None):
        _, rest = jax.jit(program.init)(key)

    def unweighted(model, batch):
        return token_loss(model, batch | {"weights": np.ones(batch["inputs"].shape, "float32")})

    weightless = replace(program, loss=unweighted)
    reference = microbatch_mean(weightless, arrays, rest, key, 4)
    found = compare(weightless, "stage=2", reference=reference, schedule="1f1b", microbatches=4)
    assert found.loss <= LOSS
    assert found.gradients <= GRADIENTS


@pytest.mark.slow
def test_loops_turn_as_often_as_the_schedule_says(read, compare):
    found = compare(read(), "stage=4", schedule="1f1b", microbatches=8)
    counted = {int(n) for n in re.findall(r'"known_trip_count":\{"n":"(\d+)"\}', found.text)}
    assert {loop.trips for loop in loops(make_schedule("1f1b", 4, 8))} <= counted
    assert permutes(found.text) == 4
    assert others(found.text) == 0
