"""Constraints as users write them, and every way to write them wrong."""

import pytest

from axisrules.diagnostics import AxisRulesError
from axisrules.mesh import parse_target
from axisrules.search import make_space, parse_constraints


def test_sizes_of_a_mesh():
    constraints = parse_constraints(mesh="data=*,tensor=1..8,fsdp=4")
    allowed = {
        axis: [n for n in (1, 2, 4, 8, 16) if constraints.allows_size(axis, n)]
        for axis in ("data", "tensor", "fsdp", "stage")
    }
    assert allowed == {"data": [1, 2, 4, 8, 16], "tensor": [1, 2, 4, 8], "fsdp": [4], "stage": [1]}


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"fixed": ["seq"]}, "not of the form"),
        ({"forbidden": ["=tensor"]}, "not of the form"),
        ({"mesh": "model=4"}, "no mesh axis `model`"),
        ({"mesh": "data=many"}, "no size"),
        ({"mesh": "data=0"}, "no size"),
        ({"hbm": 1.5}, "more than 0, at most 1"),
    ],
)
def test_what_cannot_be_read(arguments, part):
    with pytest.raises(AxisRulesError, match="AXR902") as caught:
        parse_constraints(**arguments)
    assert part in str(caught.value)


def test_every_mistake_is_told_at_once():
    with pytest.raises(AxisRulesError) as caught:
        parse_constraints(["seq"], ["x"], "model=4,data=q", hbm=0)
    assert len(caught.value.diagnostics) == 5


@pytest.mark.parametrize(
    ("fixed", "forbidden", "code"),
    [
        (["sequence=tensor"], [], "AXR902"),
        (["seq=tensor"], ["seq=tensor"], "AXR903"),
        (["seq=tensor"], ["seq=*"], "AXR903"),
        (["seq=tensor", "seq=none"], [], "AXR903"),
    ],
)
def test_what_does_not_go_together(program, fixed, forbidden, code):
    with pytest.raises(AxisRulesError, match=code):
        make_space(program, parse_target("tpu:v5e:2x4"), parse_constraints(fixed, forbidden))
