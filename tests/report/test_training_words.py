"""What a table says of a step stands in every explanation of its plan."""

import axisrules
from axisrules.report.training_words import training_values, training_words
from axisrules.resolve import Leaf

LEAF = Leaf("kernel", "params", (8, 8), "float32", 4, ("embed", "mlp"))


def plan_of(**training):
    table = axisrules.parse_rules({"rules": {"embed": "data", "mlp": []}, **training}, name="mine")
    return axisrules.make_plan([LEAF], table, axisrules.parse_mesh("data=2"))


def test_an_explanation_shows_remat_and_accumulation():
    plan = plan_of(remat={"save": "batch seq mlp"}, accumulate=8)
    words = 'each step: remat = { recompute = "full", save = "batch seq mlp" }, accumulate = 8'
    assert training_words(plan) == words
    explanation = axisrules.explain(plan)
    assert words.split(",", maxsplit=1)[0] in str(explanation)
    assert "accumulate = 8" in explanation._repr_html_()
    assert "accumulate = 8" in explanation.to_html()
    wanted = {"remat": {"recompute": "full", "save": "batch seq mlp"}, "accumulate": 8}
    assert explanation.to_json()["training"] == training_values(plan) == wanted


def test_a_table_that_says_nothing_adds_nothing():
    assert training_words(plan_of()) == ""
    assert "each step" not in str(axisrules.explain(plan_of()))
