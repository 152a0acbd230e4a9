"""Which activation a word of a policy picks."""

import pytest

from axisrules.memory.found import Found
from axisrules.memory.saved import OFFLOADED, PASSED_BY, SAVED, Keeping
from axisrules.rules import Remat

MLP = ("Model", "layers", "mlp")


def choice(remat, path, name):
    return Keeping(0, remat, Found((remat,))).choice(path, name)


@pytest.mark.parametrize(
    ("remat", "chosen"),
    [
        (Remat(save=("batch mlp",)), SAVED),
        (Remat(offload=("batch mlp",)), OFFLOADED),
        (Remat(save=("batch mlp",), offload=("batch mlp",)), SAVED),
        (Remat(save=("batch",)), PASSED_BY),
        (Remat(save=("mlp:batch mlp",)), SAVED),
        (Remat(save=("layers/*:batch mlp",)), SAVED),
        (Remat(save=("attention:batch mlp",)), PASSED_BY),
    ],
    ids=str,
)
def test_an_activation_goes_by_name_and_place(remat, chosen):
    assert choice(remat, MLP, "batch mlp") == chosen


def test_a_word_of_one_part_may_be_a_module():
    keeping = Keeping(0, remat := Remat(save=("mlp", "batch seq")), Found((remat,)))
    assert keeping.module(MLP) == (SAVED, "Model/layers/mlp")
    assert keeping.module((*MLP, "up")) == (SAVED, "Model/layers/mlp")
    assert keeping.module(("Model", "batch seq")) is None
