import jax
import jax.numpy as jnp
import pytest
from flax import linen as nn
from flax import nnx

from axisrules import wrap

BATCH = {"inputs": jax.ShapeDtypeStruct((8, 64), jnp.float32)}
ORTHOGONAL, NORMAL = nn.initializers.orthogonal(), nn.initializers.truncated_normal()


def loss(model, batch):
    return jnp.mean(model(batch["inputs"]) ** 2)


def linen(init):
    return nn.Dense(128, kernel_init=init)


def in_nnx(init):
    return lambda rngs: nnx.Linear(64, 128, kernel_init=init, rngs=rngs)


@pytest.mark.parametrize("make", [linen, in_nnx])
def test_a_factorisation_is_told_with_its_shape(make):
    found = [finding for finding in wrap(make(ORTHOGONAL), loss, BATCH).findings if finding.code == "AXR325"]
    assert len(found) == 1
    assert "[128, 64]" in found[0].why


@pytest.mark.parametrize("make", [linen, in_nnx])
def test_random_numbers_alone_are_cut(make):
    assert "AXR325" not in {finding.code for finding in wrap(make(NORMAL), loss, BATCH).findings}
