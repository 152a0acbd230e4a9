import pytest

from axisrules.memory import PolicyCost, advise

NONE = PolicyCost("none", 1000, 100)


@pytest.mark.parametrize(
    ("own", "memory_bytes", "codes"),
    [
        (PolicyCost("p", 300, 130), None, []),
        (PolicyCost("p", 960, 130), None, ["AXR780"]),  # 4% of the bytes for 30% of the FLOPs
        (PolicyCost("p", 960, 101), None, []),
        (PolicyCost("p", 300, 130), 1500, ["AXR780"]),  # 500 + 1000 bytes fit as they are
        (PolicyCost("p", 300, 130), 1499, []),
    ],
)
def test_recomputing_what_is_cheap_to_keep(own, memory_bytes, codes):
    found = advise([NONE, own], "p", state_bytes=500, memory_bytes=memory_bytes)
    assert [d.code for d in found] == codes


@pytest.mark.parametrize(
    ("other", "memory_bytes", "codes"),
    [
        (PolicyCost("p", 800, 102), None, ["AXR781"]),
        (PolicyCost("p", 801, 102), None, []),
        (PolicyCost("p", 800, 103), None, []),
        (PolicyCost("p", 100, 100), 1500, []),  # it fits, so that nothing is dear
        (PolicyCost("p", 100, 100), 1499, ["AXR781"]),
    ],
)
def test_keeping_what_is_dear(other, memory_bytes, codes):
    found = advise([NONE, other], "none", state_bytes=500, memory_bytes=memory_bytes)
    assert [d.code for d in found] == codes
