"""Words that have matched, and those that have not."""

import pytest

from axisrules.diagnostics import AxisRulesError
from axisrules.memory.found import Found
from axisrules.rules import Remat, named_remat


def test_one_spelling_of_a_named_policy_is_enough():
    found = Found(named_remat("attention"))
    found.matched(0, "attn")
    found.raise_unmatched()


def test_every_word_of_one_s_own_must_match():
    found = Found((Remat(("mlp", "atn"), save=("batch mlp",)),))
    found.matched(0, "mlp")
    found.saw([("Model", "layers", "attn")])
    found.saw_name("batch seq mlp")
    with pytest.raises(AxisRulesError) as caught:
        found.raise_unmatched()
    assert [d.code for d in caught.value.diagnostics] == ["AXR770", "AXR770"]
    assert "attn" in caught.value.diagnostics[0].fix
    assert "batch seq mlp" in caught.value.diagnostics[1].fix
