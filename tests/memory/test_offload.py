import jax
import pytest

from axisrules.diagnostics import AxisRulesError
from axisrules.memory import check_offload
from axisrules.rules import Remat

OFFLOAD = Remat(offload=("batch mlp",))


def test_devices_without_host_memory_are_refused():
    with pytest.raises(AxisRulesError) as caught:
        check_offload((Remat(), OFFLOAD), "a chip", ["device", "unpinned_host"])
    assert [d.code for d in caught.value.diagnostics] == ["AXR771"]


def test_these_devices_have_it():
    memories = [memory.kind for memory in jax.devices()[0].addressable_memories()]
    check_offload((OFFLOAD,), "cpu", memories)


def test_without_an_offload_nobody_asks():
    check_offload((Remat(),), "a chip", [])
