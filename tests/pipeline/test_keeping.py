"""What a table's remat means beside a schedule."""

import pytest

from axisrules.diagnostics import AxisRulesError
from axisrules.pipeline.keeping import Keeping, read_keeping
from axisrules.pipeline.layout import StageLayout
from axisrules.rules import Remat, named_remat

EVEN = StageLayout(2, 1, (4, 4))


def test_layers_are_recomputed_unless_the_table_says_otherwise():
    assert read_keeping(None, EVEN) == Keeping() == read_keeping(named_remat("full"), EVEN)
    assert read_keeping(named_remat("none"), EVEN) == Keeping(is_recomputed=False)


def test_groups_are_recomputed_as_one():
    assert read_keeping((Remat(every=2),), EVEN) == Keeping(group=2)


def test_other_policies_are_followed_inside_of_layers():
    names = ("batch seq mlp",)
    for policies in (named_remat("attention"), (Remat(save=names),), (Remat(offload=names),)):
        assert read_keeping(policies, EVEN) == Keeping(is_recomputed=False, policies=policies)


@pytest.mark.parametrize(
    ("policy", "code", "text"),
    [
        (Remat(every=3), "AXR772", "a stage has 4 layers"),
        (Remat(offload=("batch seq mlp",), every=2), "AXR776", "groups of 2 layers"),
        (Remat(save=("batch seq mlp",), every=2), "AXR776", "groups of 2 layers"),
    ],
)
def test_what_a_pipeline_cannot_keep_is_said(policy, code, text):
    with pytest.raises(AxisRulesError) as raised:
        read_keeping((policy,), EVEN)
    assert [found.code for found in raised.value.diagnostics] == [code]
    assert text in raised.value.diagnostics[0].why


def test_uneven_stages_need_groups_that_divide_each():
    with pytest.raises(AxisRulesError, match="AXR772"):
        read_keeping((Remat(every=2),), StageLayout(2, 1, (4, 3)))
    assert read_keeping((Remat(every=2),), StageLayout(2, 1, (4, 2))).group == 2
