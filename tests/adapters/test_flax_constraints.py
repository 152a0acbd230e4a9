"""What Flax would have constrained is told, line by line, and nothing else is."""

import inspect
import warnings

import jax
import jax.numpy as jnp
import pytest
from flax import linen as nn

from axisrules.adapters import constrain, read_program

BATCH = jax.ShapeDtypeStruct((8, 16), jnp.float32)


class Block(nn.Module):
    @nn.compact
    def __call__(self, x, _):
        kernel = nn.with_logical_partitioning(nn.initializers.ones_init(), ("embed", "embed_out"))
        x = x @ self.param("kernel", kernel, (16, 16))
        return nn.with_logical_constraint(x, ("batch", "embed")), None


class Scanned(nn.Module):
    @nn.compact
    def __call__(self, x):
        stack = nn.scan(
            Block,
            variable_axes={"params": 0},
            split_rngs={"params": True},
            length=2,
            metadata_params={nn.PARTITION_NAME: "layers"},
        )
        return stack()(x, None)[0]


class Named(nn.Module):
    @nn.compact
    def __call__(self, x):
        return constrain(nn.Dense(4)(x), "batch embed")


def loss(model, batch):
    return jnp.mean(model(batch))


def test_each_line_is_told_once():
    with pytest.warns(UserWarning, match="AXR313") as caught:
        read_program(Scanned(), loss, BATCH)
    lines, first = inspect.getsourcelines(Block)
    number = first + next(i for i, line in enumerate(lines) if "with_logical_constraint" in line)
    told = str(caught[0].message)
    assert len(caught) == 1
    assert told.count("warning[AXR313]") == 1
    assert f"test_flax_constraints.py:{number}" in told


def test_a_model_without_them_is_read_in_silence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_program(Named(), loss, BATCH)


def test_the_rules_of_the_user_s_own_context_are_back_afterwards():
    rules = (("batch", "data"),)
    with nn.logical_axis_rules(rules):
        read_program(Named(), loss, BATCH)
        assert nn.get_logical_axis_rules() == rules
