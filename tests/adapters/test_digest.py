"""Digests tell computations apart that have the same shapes, and are the same in another process."""

import subprocess
import sys

import jax
import jax.numpy as jnp
from flax import linen as nn

import axisrules
from axisrules.adapters import loss_digest


class Model(nn.Module):
    act: str = "relu"

    @nn.compact
    def __call__(self, x):
        kernel = self.param("kernel", nn.with_partitioning(nn.initializers.ones, ("embed", "mlp")), (4, 8))
        return getattr(nn, self.act)(x @ kernel)


def program(act="relu", scale=1.0):
    batch = {"x": jax.ShapeDtypeStruct((2, 4), jnp.float32)}
    return axisrules.read_program(
        Model(act),
        lambda model, batch: scale * model(batch["x"]).sum(),
        batch,
        batch_axes={"x": "batch embed"},
    )


def test_what_is_computed_tells_programs_apart():
    digests = {loss_digest(program(*args)) for args in [("relu",), ("silu",), ("relu", 2.0)]}
    assert len(digests) == 3
    assert loss_digest(program()) in digests


def test_it_is_the_same_in_another_process():
    code = "from tests.adapters.test_digest import loss_digest, program; print(loss_digest(program()))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split()[-1] == loss_digest(program())
