"""Every candidate's own table is found again; others are laid to the nearest."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axisrules.diagnostics import AxisRulesError
from axisrules.rules import Remat, load_rules, parse_rules
from axisrules.search import find_start


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_a_candidate_s_own_table_is_that_candidate(space, data):
    one = data.draw(st.sampled_from(space.candidates))
    start = find_start(space, space.table(one))
    assert start.is_equal
    assert start.candidate == one


def test_a_preset_is_found_under_other_names(space):
    fsdp = find_start(space, load_rules("fsdp"))
    assert fsdp.candidate.mesh == "fsdp=8"
    renamed = space.table(fsdp.candidate)
    rules = {
        "mesh": "shards=8",
        "rules": {"batch": "shards", "embed": []} | {axis: [] for axis in space.roles.others},
        "kind": {"params": {"embed": "shards"}},
    }
    rules["rules"] |= {axis: [] for axis in (*space.roles.inner, space.roles.positions, space.roles.layers)}
    found = find_start(space, parse_rules(rules))
    assert found.is_equal
    assert space.table(found.candidate) == renamed


def test_settings_that_no_candidate_has_make_it_unequal(space):
    one = next(one for one in space.candidates if one.mesh == "fsdp=8" and one.remat == "none")
    table = replace(space.table(one), remat=(Remat(recompute=("mlp",)),))
    start = find_start(space, table)
    assert not start.is_equal
    assert start.candidate.mesh == one.mesh


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ({"rules": {"batch": "data"}}, "no mesh"),
        ({"mesh": "data=7", "rules": {"batch": "data"}}, "AXR205"),
        ({"mesh": "data=8", "rules": {"batch": "data"}}, "AXR3"),
    ],
)
def test_what_has_no_place_on_the_target(space, rules, why):
    with pytest.raises(AxisRulesError) as raised:
        find_start(space, parse_rules(rules))
    (finding,) = raised.value.diagnostics
    assert finding.code == "AXR907"
    assert why in finding.why or finding.why
