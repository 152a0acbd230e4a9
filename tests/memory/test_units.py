"""Rows of numbered modules, found by their paths."""

from hypothesis import given
from hypothesis import strategies as st

from axisrules.memory.units import Units, filled, numbered_layers
from axisrules.rules import Remat


def test_rows_of_two_or_more_are_layers_and_the_outermost_count():
    paths = [
        ("Model", "Embed_0"),
        *[("Model", f"Block_{n}", f"Dense_{m}") for n in range(3) for m in range(2)],
        ("Model", "head"),
    ]
    assert numbered_layers(paths, 1) == {("Model", f"Block_{n}"): f"Model/Block_{n}" for n in range(3)}


def test_numbers_may_be_parts_of_their_own():
    assert set(numbered_layers([("layers", "0", "mlp"), ("layers", "1", "mlp")], 1)) == {
        ("layers", "0"),
        ("layers", "1"),
    }


@given(count=st.integers(2, 30), every=st.integers(1, 8))
def test_groups_are_as_large_as_asked_and_in_order(count, every):
    groups = list(numbered_layers([(f"layer{n}",) for n in range(count)], every).values())
    sizes = [groups.count(name) for name in dict.fromkeys(groups)]
    assert sum(sizes) == count
    assert all(size == every for size in sizes[:-1])
    assert groups == sorted(groups, key=groups.index)


def test_the_outermost_module_that_a_pattern_names_is_the_unit():
    units = Units((Remat(("layers/*",)), Remat(("attention",))))
    assert units.matches(("Model", "layers", "mlp", "attention")) == ((0, "Model/layers/mlp"), "layers/*")
    assert units.matches(("Model", "attention", "query")) == ((1, "Model/attention"), "attention")
    assert units.matches(("Model", "attention_norm")) is None


def test_what_stands_between_the_layers_of_a_group_joins_it():
    a, b, other = (0, "a"), (0, "b"), (1, "a")
    assert filled([a, None, a, None, b, None], 0) == [a, a, a, None, b, None]
    assert filled([other, None, other], 0) == [other, None, other]
