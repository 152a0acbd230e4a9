import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from flax import nnx

from axisrules import wrap

BATCH = {"inputs": np.ones((8, 32), np.float32)}


def loss(model, batch):
    return jnp.mean(model(batch["inputs"]) ** 2)


def labels(model):
    return list(wrap(model, loss, BATCH).probe.activations)


class Shared(nn.Module):
    def setup(self):
        self.dense = nn.Dense(32)

    def twice(self, x):
        return self.dense(self.dense(x))

    def __call__(self, x):
        return self.twice(x)


class Nested(nn.Module):
    @nn.compact
    def __call__(self, x):
        return {"a": [x, nn.Dense(16, name="one")(x)], "count": 3, "none": None}


class Outer(nn.Module):
    @nn.compact
    def __call__(self, x):
        return Nested(name="inner")(x)["a"][1]


def test_a_module_that_is_called_twice_has_two_boundaries():
    assert labels(Shared()) == ["dense", "dense#1", ".twice", "."]


def test_nested_outputs_have_a_boundary_for_every_array():
    assert labels(Outer()) == ["inner/one", "inner:a/0", "inner:a/1", "."]


def test_calls_are_counted_within_the_caller():
    class Two(nn.Module):
        @nn.compact
        def __call__(self, x):
            jitted = nn.jit(Shared)
            return jitted(name="second")(jitted(name="first")(x))

    found = labels(Two())
    assert [label for label in found if label.startswith("first")] == [
        "first/dense",
        "first/dense#1",
        "first.twice",
        "first",
    ]


def test_an_nnx_module_keeps_its_class_s_face():
    class Model(nnx.Module):
        """What it does."""

        def __init__(self, rngs):
            self.dense = nnx.Linear(32, 32, rngs=rngs)

        @staticmethod
        def act(x):
            return jnp.tanh(x)

        def __call__(self, x):
            assert type(self).__name__ == "Model"
            assert isinstance(self, Model)
            return self.act(self.dense(x))

    assert labels(Model) == ["dense", "."]


def test_state_and_random_streams_survive():
    class Model(nnx.Module):
        def __init__(self, rngs):
            self.norm = nnx.BatchNorm(32, rngs=rngs)
            self.dropout = nnx.Dropout(0.5, rngs=rngs)

        def __call__(self, x):
            return self.dropout(self.norm(x))

    program = wrap(Model, loss, BATCH).program
    params, rest = program.init(jax.random.key(0))
    assert rest["norm"]["mean"].shape == (32,)
    assert program.rest_axes["norm/mean"] == program.param_axes["norm/scale"]
    assert jax.tree.structure(program.collect(program.bind(params, rest, None))) == jax.tree.structure(rest)
