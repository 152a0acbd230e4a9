"""Composing tables: associative, positions kept, every rule with its origin."""

from collections.abc import Mapping
from itertools import groupby

import pytest
from hypothesis import given

from axisrules.rules import Rule, RuleTable, Scope, load_rules, parse_rules
from tests.random_tables import tables


def table(rules: Mapping[str, object], name: str = "") -> RuleTable:
    return parse_rules({"rules": rules}, name=name)


def order(composed: RuleTable) -> list[str]:
    return [f"{rule.logical_axis}={rule.target}" for rule in composed.rules]


@given(tables, tables, tables)
def test_composing_is_associative(a: RuleTable, b: RuleTable, c: RuleTable) -> None:
    left, right = (a | b) | c, a | (b | c)
    assert left == right
    assert left.rules == right.rules
    assert [rule.origin for rule in left.rules] == [rule.origin for rule in right.rules]


@given(tables, tables)
def test_rules_come_whole_from_one_side(a: RuleTable, b: RuleTable) -> None:
    """All alternatives of a name in a scope are the right side's, or the left's where the right has none."""
    composed = a | b
    assert {rule.key for rule in composed.rules} == {rule.key for rule in a.rules + b.rules}
    for key in {rule.key for rule in composed.rules}:
        own = [rule for rule in composed.rules if rule.key == key]
        source = b if any(rule.key == key for rule in b.rules) else a
        wanted = [rule for rule in source.rules if rule.key == key]
        assert sorted(map(repr, own)) == sorted(map(repr, wanted)), "origins are part of the repr"


@given(tables)
def test_composing_with_itself_changes_nothing_but_brings_alternatives_together(a: RuleTable) -> None:
    composed = a | a
    assert composed.rules == (composed | a).rules
    groups = [key for key, _ in groupby(a.rules, key=lambda rule: rule.key)]
    if len(set(groups)) == len(groups):
        assert composed.rules == a.rules


@given(tables)
def test_a_layer_of_nothing_changes_nothing(a: RuleTable) -> None:
    assert (a | RuleTable()).rules == a.rules
    assert (RuleTable() | a).rules == a.rules


def test_a_replaced_rule_keeps_its_position_and_a_new_one_goes_last() -> None:
    base = table({"batch": "data", "heads": "tensor", "seq": []})
    override = table({"norm": [], "heads": {"any": ["model", []]}})
    assert order(base | override) == ["batch=data", "heads=model", "heads=[]", "seq=[]", "norm=[]"]


def test_before_and_after_move_a_rule() -> None:
    base = table({"batch": "data", "heads": "tensor", "seq": "tensor"})
    assert order(base | table({"mlp": {"mesh": "tensor", "before": "seq"}})) == [
        *("batch=data", "heads=tensor", "mlp=tensor", "seq=tensor")
    ]
    assert order(base | table({"batch": {"mesh": "data", "after": "heads"}})) == [
        *("heads=tensor", "batch=data", "seq=tensor")
    ]


def test_all_alternatives_move_together() -> None:
    pairs = [["seq", "tensor"], ["heads", "tensor"], ["seq", {"mesh": [], "after": "heads"}]]
    assert order(parse_rules({"rules": pairs})) == ["heads=tensor", "seq=tensor", "seq=[]"]


def test_a_chain_of_neighbours_moves_as_one() -> None:
    base = table({"a": [], "b": [], "c": []})
    chain = table({"x": {"mesh": [], "before": "b"}, "y": {"mesh": [], "after": "x"}})
    assert order(base | chain) == ["a=[]", "x=[]", "y=[]", "b=[]", "c=[]"]


def test_a_very_long_chain_needs_no_recursion() -> None:
    chain = {f"n{i}": {"mesh": [], "after": f"n{i + 1}"} for i in range(5000)}
    names = order(table(chain | {"n5000": []}))
    assert names == [f"n{i}=[]" for i in reversed(range(5001))]


def test_an_unknown_neighbour_or_a_circle_loses_no_rule() -> None:
    circle = {"a": {"mesh": [], "before": "b"}, "b": {"mesh": [], "before": "a"}, "c": []}
    assert sorted(order(table(circle))) == ["a=[]", "b=[]", "c=[]"]
    assert order(table({"a": {"mesh": [], "before": "nobody"}, "c": []})) == ["a=[]", "c=[]"]


def test_a_neighbour_is_looked_for_in_the_same_scope() -> None:
    base = parse_rules(
        {
            "rules": {"a": [], "b": []},
            "kind": {"params": {"b": [], "c": {"mesh": [], "before": "b"}}},
        }
    )
    assert [(rule.logical_axis, str(rule.scope)) for rule in base.rules] == [
        *(("a", ""), ("b", ""), ("c", "params"), ("b", "params"))
    ]


def test_policies_optional_mesh_axes_and_the_mesh_come_along() -> None:
    base = parse_rules(
        {
            "rules": {"a": []},
            "mesh": "data=8",
            "optional_mesh_axes": ["data"],
            "policy": {"collision": "warn"},
        }
    )
    override = parse_rules(
        {"rules": {"a": "x"}, "mesh": "x=8", "optional_mesh_axes": ["x"], "policy": {"collision": "allow"}}
    )
    composed = base | override
    assert composed.mesh == "x=8"
    assert composed.optional_mesh_axes == ("data", "x")
    assert composed.policy("collision") == "allow"
    assert (override | base).policy("collision") == "warn"
    assert (base | parse_rules({"rules": {"b": []}})).mesh == "data=8"


def test_origins_point_into_the_file_that_the_rule_came_from() -> None:
    composed = load_rules("tp+fsdp")
    origins = {rule.logical_axis: rule.origin for rule in composed.rules if rule.scope == Scope()}
    assert {origin.file for origin in origins.values()} == {"fsdp.toml (preset)"}
    embed = next(rule for rule in composed.rules if rule.scope.kind == "params")
    assert embed.origin.text == 'embed = "fsdp"'


def test_only_tables_compose() -> None:
    with pytest.raises(TypeError):
        RuleTable() | {"embed": "fsdp"}  # type: ignore[operator]


def test_tables_and_rules_are_values() -> None:
    one, other = table({"a": "x"}, name="one"), table({"a": "x"}, name="other")
    assert one == other
    assert len({one, other}) == 1
    assert Rule("a", ("x",)) == one.rules[0]
