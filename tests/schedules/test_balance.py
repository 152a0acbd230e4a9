"""The split by dynamic programming against all splits that there are."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.schedules import PartCosts, balance, even_split, imbalance


def all_splits(layers, stages):
    for cuts in itertools.combinations_with_replacement(range(layers + 1), stages - 1):
        ends = (0, *cuts, layers)
        yield tuple(b - a for a, b in itertools.pairwise(ends))


def stage_costs(costs, counts, first, last):
    taken = iter(costs)
    found = [sum(itertools.islice(taken, count)) for count in counts]
    found[0] += first
    found[-1] += last
    return found


def test_200_random_cost_vectors_equal_brute_force():
    rng = random.Random(0)
    for _ in range(200):
        layers, stages = rng.randint(1, 9), rng.randint(1, 4)
        costs = [rng.choice((rng.random(), rng.randint(1, 4))) for _ in range(layers)]
        first, last = rng.random() * 2, rng.random() * 3
        found = balance(costs, stages, first=first, last=last)
        best = min(max(stage_costs(costs, counts, first, last)) for counts in all_splits(layers, stages))
        assert sum(found.counts) == layers
        assert found.bottleneck == pytest.approx(best)
        assert found.costs == pytest.approx(stage_costs(costs, found.counts, first, last))


@given(st.lists(st.floats(0.1, 5), min_size=1, max_size=12), st.integers(1, 5))
def test_balancing_is_never_worse_than_counting(costs, stages):
    assert balance(costs, stages).bottleneck <= even_split(costs, stages).bottleneck + 1e-9


def test_equal_layers_are_split_evenly():
    assert balance([1.0] * 8, 4).counts == (2, 2, 2, 2)
    assert balance([1.0] * 10, 4).counts in set(itertools.permutations((3, 3, 2, 2)))


def test_a_dear_head_takes_layers_from_the_last_stage():
    found = balance([1.0] * 8, 4, last=2.6)
    assert found.bottleneck == 3.0
    assert even_split([1.0] * 8, 4, last=2.6).imbalance == pytest.approx(4.6 / 2.65 - 1)


def test_imbalance_is_relative_to_the_mean():
    assert imbalance([2, 2, 2]) == 0
    assert imbalance([0, 0]) == 0


@given(st.lists(st.floats(0.1, 5), min_size=1, max_size=9), st.integers(1, 4), st.floats(0, 3), st.booleans())
def test_what_all_stages_share_moves_no_layer(costs, stages, last, is_spread):
    parts = PartCosts(tuple(costs), first=1.0, last=last, is_spread=is_spread)
    found = parts.balanced(stages)
    best = min(max(parts.split(counts, stages).costs) for counts in all_splits(len(costs), stages))
    assert found.bottleneck == pytest.approx(best)
    if is_spread:
        assert found.counts == PartCosts(tuple(costs)).balanced(stages).counts
    whole = sum(costs) + last + (stages if is_spread else 1)
    assert sum(found.costs) == pytest.approx(whole)


def test_a_head_of_2_6_layers_leaves_no_imbalance_where_it_is_spread():
    assert PartCosts((1.0,) * 8, last=2.6).balanced(4).imbalance == pytest.approx(0)
