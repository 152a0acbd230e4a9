import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from axisrules import use_plan, wrap

BATCH = {"inputs": np.ones((8, 32), np.float32)}


class Model(nn.Module):
    width: int = 16

    def setup(self):
        self.encoder = nn.Dense(self.width)
        self.decoder = nn.Dense(32)

    def encode(self, x):
        return self.encoder(x)

    def __call__(self, x):
        return self.decoder(self.encode(x))


def by_call(model, batch):
    return jnp.mean(model(batch["inputs"]))


def by_method(model, batch):
    return jnp.mean(model.decoder(model.encode(batch["inputs"])))


@pytest.mark.parametrize("loss", [by_call, by_method])
def test_a_loss_may_call_methods_and_submodules(loss):
    found = wrap(Model(), loss, BATCH).probe.activations
    assert {"encoder", "decoder"} <= set(found)


def test_a_bound_model_is_used_like_the_module():
    program = wrap(Model(), by_call, BATCH).program
    params, rest = program.init(jax.random.key(0))
    model = program.bind(params, rest, None)
    assert model.width == 16
    assert set(model.variables["params"]) == {"encoder", "decoder"}
    with use_plan(None):
        assert np.array_equal(model(BATCH["inputs"]), Model().apply({"params": params}, BATCH["inputs"]))


def test_the_loss_s_own_mistake_is_its_own():
    program = wrap(Model(), by_call, BATCH).program
    params, rest = program.init(jax.random.key(0))
    with pytest.raises(AttributeError, match="no_such_method"):
        program.bind(params, rest, None).no_such_method()
