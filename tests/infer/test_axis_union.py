"""Dims that are one axis and dims that are several in one: laws that hold in whatever order."""

import random
from itertools import pairwise
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.infer.axis_union import AxisUnion, aligned_groups, common_refinement


def nodes(union, *sizes):
    return [union.new(size) for size in sizes]


def test_equal_factors_make_equal_products():
    union = AxisUnion()
    kv, group, other_kv, other_group = nodes(union, 2, 4, 2, 4)
    heads, other_heads = (union.product(pair, 0) for pair in ((kv, group), (other_kv, other_group)))
    union.union(kv, other_kv, 0)
    assert union.find(heads) != union.find(other_heads)
    union.union(group, other_group, 0)
    assert union.find(heads) == union.find(other_heads)


def test_equal_products_have_equal_factors():
    union = AxisUnion()
    fused, other = nodes(union, 24, 24)
    heads, head_dim = union.split(fused, (4, 6), 0)
    other_heads, other_head_dim = union.split(other, (4, 6), 0)
    union.union(fused, other, 0)
    assert union.find(heads) == union.find(other_heads)
    assert union.find(head_dim) == union.find(other_head_dim)


def test_two_factorizations_meet_in_their_common_refinement():
    union = AxisUnion()
    (whole,) = nodes(union, 16)
    (_, eight), (four, other_four) = union.split(whole, (2, 8), 0), union.split(whole, (4, 4), 0)
    assert [union.sizes[atom] for atom in union.atoms(whole)] == [2, 2, 4]
    assert union.atoms(eight)[1:] == union.atoms(other_four)
    assert union.atoms(four)[1] == union.atoms(eight)[0]


def test_factorizations_that_share_no_refinement_stay_apart():
    union = AxisUnion()
    (whole,) = nodes(union, 6)
    two, three = union.split(whole, (2, 3), 0)
    other_three, other_two = union.split(whole, (3, 2), 0)
    assert len({union.find(node) for node in (two, three, other_two, other_three)}) == 4


def test_a_dim_squared_may_be_split_twice():
    union = AxisUnion()
    (side,) = nodes(union, 4)
    square = union.product((side, side), 0)
    union.split(square, (2, 8), 0)
    assert [union.sizes[atom] for atom in union.atoms(square)] == [2, 2, 2, 2]


def test_dims_of_size_one_are_no_factors():
    union = AxisUnion()
    one, wide = nodes(union, 1, 5)
    assert union.product((one, wide, one), 0) == wide
    assert union.sizes[union.product((one, one), 0)] == 1


def test_dims_of_two_sizes_are_never_one():
    union = AxisUnion()
    with pytest.raises(AssertionError):
        union.union(*nodes(union, 2, 3), 0)


SIZES = st.lists(st.sampled_from([2, 3, 4, 6]), min_size=1, max_size=4)


@given(SIZES, st.data())
def test_aligned_groups_cut_where_the_products_agree(first, data):
    merged = data.draw(st.integers(1, len(first)))
    second = [prod(first[:merged]), *first[merged:]]
    groups = aligned_groups(first, second)
    for left, right in groups:
        assert prod(first[left]) == prod(second[right])
    assert [size for left, _ in groups for size in first[left]] == first
    assert [size for _, right in groups for size in second[right]] == second


@given(SIZES, st.permutations([0, 1, 2, 3]))
def test_a_common_refinement_refines_both(first, order):
    second = [first[place] for place in order if place < len(first)]
    pieces = common_refinement(first, second)
    cuts = {prod(pieces[:at]) for at in range(len(pieces) + 1)}
    if pieces:
        assert {prod(first[:at]) for at in range(len(first) + 1)} <= cuts
        assert {prod(second[:at]) for at in range(len(second) + 1)} <= cuts


POWERS = st.lists(st.integers(1, 3), min_size=2, max_size=3)


@given(
    st.lists(POWERS, min_size=2, max_size=5),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40))),
    st.randoms(),
)
def test_the_order_of_statements_does_not_matter(factors, unions, shuffled):
    """Products of powers of two, and unions of whatever has one size: any order gives the same classes."""
    statements = [("factor", number) for number in range(len(factors))] + [("union", pair) for pair in unions]
    orders = (statements, shuffled.sample(statements, len(statements)))
    assert classes(factors, orders[0]) == classes(factors, orders[1])


def classes(factors, statements):
    union = AxisUnion()
    wholes = [union.new(2 ** sum(powers)) for powers in factors]
    parts = [[union.new(2**power) for power in powers] for powers in factors]
    known = [*wholes, *(part for run in parts for part in run)]
    for kind, value in statements:
        if kind == "factor":
            union.factor(wholes[value], parts[value], 0)
            continue
        first, second = (known[place % len(known)] for place in value)
        if union.sizes[first] == union.sizes[second]:
            union.union(first, second, 0)
    roots = [union.find(node) for node in known]
    return [roots.index(root) for root in roots]


def test_many_products_of_one_dim_take_no_time_to_speak_of():
    union = AxisUnion()
    draws = random.Random(0)
    dims = nodes(union, *[2] * 400)
    for _ in range(2000):
        union.product(draws.sample(dims, 3), 0)
    for first, second in pairwise(dims):
        union.union(first, second, 0)
    assert len({union.find(node) for node in dims}) == 1
    assert len({union.find(product) for product in union.products()}) == 1
