import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from jax.sharding import PartitionSpec

from axisrules import AxisRulesError, constrain, make_partitioner, wrap
from axisrules.adapters.own_constraints import OwnConstraints

BATCH = {"inputs": np.ones((16, 32), np.float32)}


class Meshed(nn.Module):
    """Its author had a mesh with an axis `tensor` in mind."""

    axis: str = "tensor"

    @nn.compact
    def __call__(self, x):
        return jax.lax.with_sharding_constraint(nn.Dense(64)(x), PartitionSpec(None, self.axis))


class Logical(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.with_logical_constraint(nn.Dense(64)(x), ("rows", "columns"))


class Ours(nn.Module):
    @nn.compact
    def __call__(self, x):
        return constrain(jnp.tanh(nn.Dense(64)(x)), "batch mlp")


def loss(model, batch):
    return jnp.mean(model(batch["inputs"]) ** 2)


def constrained(model, seeds, table="tp", mesh="data=2,tensor=4"):
    program = wrap(model, loss, BATCH, seeds=seeds).program
    partitioner = make_partitioner(program, table, mesh)
    state = partitioner.init(jax.random.key(0))
    text = partitioner.eval_step().lower(state, partitioner.place(BATCH)).as_text()
    return "\n".join(line for line in text.splitlines() if "sharding_constraint" in line)


@pytest.mark.parametrize("model", [Meshed(), Logical()], ids=["mesh axes", "logical axes"])
def test_a_model_s_own_constraints_are_told(model):
    lines = wrap(model, loss, BATCH).own_constraints
    assert [line.file for line in lines] == [__file__]


def test_dropped_ones_leave_no_trace():
    assert '"tensor"' not in constrained(Meshed(), {"constraints": "drop"})


def test_kept_ones_on_mesh_axes_go_to_jax():
    assert '"tensor"' in constrained(Meshed(), {"constraints": "keep"})


def test_kept_ones_on_logical_axes_follow_the_plan():
    renamed = {"constraints": "keep", "translate": {"rows": "batch", "columns": "mlp"}}
    assert '"tensor"' in constrained(Logical(), renamed)
    assert '"tensor"' not in constrained(Logical(), renamed | {"constraints": "drop"})


def test_a_mesh_axis_that_is_not_there():
    with pytest.raises(AxisRulesError) as raised:
        constrained(Meshed("replica"), {"constraints": "keep"})
    assert [found.code for found in raised.value.diagnostics] == ["AXR324"]


def test_what_is_constrained_through_axisrules_is_never_dropped():
    assert '"tensor"' in constrained(Ours(), {"constraints": "drop"})


def test_jax_and_flax_are_as_they_were():
    before = jax.lax.with_sharding_constraint, nn.with_logical_constraint
    wrap(Meshed(), loss, BATCH)
    assert (jax.lax.with_sharding_constraint, nn.with_logical_constraint) == before


def test_another_thread_notices_nothing():
    own, heard = OwnConstraints("drop"), []
    sharding = jax.sharding.SingleDeviceSharding(jax.devices()[1])

    def elsewhere():
        heard.append(jax.lax.with_sharding_constraint(jnp.ones(4), sharding).sharding)

    with own.seen():
        other = threading.Thread(target=elsewhere)
        other.start()
        other.join()
    assert heard == [sharding]
    assert not own.lines
