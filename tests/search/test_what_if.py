"""What would change the answer, on made-up numbers, and by the shapes of targets."""

from math import prod

import pytest

from axisrules.mesh import parse_target
from axisrules.search import Budget, search, slower_network
from axisrules.search.what_if import half_of, halve


@pytest.mark.parametrize(
    ("target", "half"),
    [
        ("tpu:v5e:4x4", "tpu:v5e:2x4"),
        ("tpu:v5p:8x8x8", "tpu:v5p:4x8x8"),
        ("gpu:h100:2x8", "gpu:h100:1x8"),
        ("gpu:h100:1x8", "gpu:h100:1x4"),
    ],
)
def test_half_of_a_target(target, half):
    assert str(half_of(parse_target(target))) == half


def test_half_of_several_slices_is_half_the_slices():
    assert half_of(parse_target("tpu:v5e:2x2", slices=2)) == parse_target("tpu:v5e:2x2")


def test_half_a_candidate_has_half_the_devices(space):
    for one in space.candidates:
        assert prod(size for _, size in halve(one).sizes) * 2 == prod(size for _, size in one.sizes)


def test_a_slower_network_costs_what_it_was_busy_for(space, made_up):
    result = search(space, budget=Budget(scorer=made_up()))
    change = slower_network(result, factor=3.0)
    own = next(one for one in change.ranked if one.candidate == result.best.candidate)
    assert own.seconds == pytest.approx(result.best.seconds + 2 * 0.2)
    assert change.is_same
