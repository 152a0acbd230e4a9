"""`remat` and `accumulate` in tables: read, shown, composed, written and read again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.diagnostics import AxisRulesError
from axisrules.rules import Accumulate, Remat, dump_rules, named_remat, parse_rules, parse_training
from axisrules.rules.toml_file import rules_from_toml

RULES = {"rules": {"embed": []}}

words = st.sampled_from(["batch seq mlp", "attention", "layers/*:batch seq embed", "mine"])
lists = st.lists(words, max_size=2, unique=True).map(tuple)
policies = st.one_of(
    st.sampled_from(["full", "attention"]).map(lambda name: named_remat(name)[0]),
    st.builds(Remat, st.just(("full",)), lists, lists, st.integers(1, 4), st.just("full")),
    st.builds(Remat, st.sampled_from([("mlp",), ("a/*", "**/b")]), lists, lists),
)
accumulates = st.builds(
    Accumulate, st.integers(1, 64), st.sampled_from(["", "tokens"]), st.sampled_from(["mean", "sum"])
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("none", []),
        ("full", ["full"]),
        ("attention", ["attention"]),
        ("layers/*/mlp", ["layers/*/mlp"]),
        ({"save": "batch  seq mlp"}, ["full (save batch seq mlp)"]),
        ({"recompute": "full", "every": 2}, ["full (every 2 layers)"]),
        ({"recompute": ["a", "b"], "offload": ["x"]}, ["a b (offload x)"]),
        (["attention", {"recompute": "mlp"}], ["attention", "mlp"]),
    ],
)
def test_what_a_value_means(value, shown):
    assert [str(policy) for policy in parse_rules(RULES | {"remat": value}).remat] == shown


def test_accumulate_is_a_number_or_a_table():
    assert parse_rules(RULES | {"accumulate": 8}).accumulate == Accumulate(8)
    table = {"microbatches": 4, "weight": "tokens", "loss": "sum"}
    assert parse_rules(RULES | {"accumulate": table}).accumulate == Accumulate(4, "tokens", "sum")
    assert str(Accumulate(4, "tokens", "sum")) == "4 microbatches (weighted by tokens, a sum)"


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("remat", 3, "AXR104"),
        ("remat", {"recomputed": "full"}, "AXR103"),
        ("remat", {"every": 0}, "AXR104"),
        ("remat", {"every": True}, "AXR104"),
        ("remat", {"recompute": "mlp", "every": 2}, "AXR104"),
        ("remat", {"save": [3]}, "AXR104"),
        ("remat", "a//b", "AXR113"),
        ("accumulate", 0, "AXR104"),
        ("accumulate", "8", "AXR104"),
        ("accumulate", {"parts": 8, "microbatches": 8}, "AXR103"),
        ("accumulate", {"microbatches": 8, "loss": "max"}, "AXR104"),
        ("accumulate", {"microbatches": 8, "weight": 3}, "AXR104"),
    ],
)
def test_what_means_nothing_is_an_error(key, value, code):
    with pytest.raises(AxisRulesError) as caught:
        parse_rules(RULES | {key: value})
    assert {d.code for d in caught.value.diagnostics} == {code}


@given(st.none() | st.lists(policies, max_size=3).map(tuple), st.none() | accumulates)
def test_a_dump_is_read_as_the_same_table(remat, accumulate):
    table = parse_rules(RULES) | parse_training({"remat": remat, "accumulate": accumulate})
    again = rules_from_toml(dump_rules(table), file="again.toml")
    assert (again.remat, again.accumulate) == (remat, accumulate)


def test_a_policy_knows_its_line():
    table = rules_from_toml('remat = "attention"\naccumulate = 2\n[rules]\nembed = []\n', file="mine.toml")
    assert str(table.remat[0].origin) == "mine.toml:1"
    assert str(table.accumulate.origin) == "mine.toml:2"


def test_the_table_on_top_wins_and_saying_nothing_leaves_what_is_below():
    below = parse_rules(RULES | {"remat": "full", "accumulate": 2})
    assert (below | parse_rules(RULES)).remat == named_remat("full")
    above = below | parse_training({"remat": "none", "accumulate": 4})
    assert (above.remat, above.accumulate) == ((), Accumulate(4))
    assert below | parse_training({}) == below


def test_another_key_is_none():
    with pytest.raises(AxisRulesError) as caught:
        parse_training({"rematt": "full"})
    assert [d.code for d in caught.value.diagnostics] == ["AXR103"]
