"""A checkpoint written under one plan is read under another in one Orbax call."""

import jax
import numpy as np
import orbax.checkpoint

import axisrules


def test_orbax_restores_straight_into_another_layout(read, train, tmp_path):
    program = read("linen")
    _, state = train(axisrules.make_partitioner(program, "dp", "data=8"), steps=1)
    target = axisrules.make_partitioner(program, "fsdp_tp", "fsdp=2,tensor=4")
    with orbax.checkpoint.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "state", state)
        checkpointer.wait_until_finished()
        restored = checkpointer.restore(tmp_path / "state", target.abstract_state)
    assert jax.tree.structure(restored) == jax.tree.structure(state)
    assert restored.params["layers"]["up"].sharding == target.state_shardings.params["layers"]["up"]
    assert np.array_equal(restored.params["layers"]["up"], state.params["layers"]["up"])
    assert jax.random.key_data(restored.key).tolist() == jax.random.key_data(state.key).tolist()
