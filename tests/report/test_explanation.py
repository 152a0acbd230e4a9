import io
import json

import pytest
from rich.console import Console

from axisrules import explain
from axisrules.diagnostics import AxisRulesError
from axisrules.resolve import Leaf
from tests.report.conftest import leaves, plan_of
from tests.report.markup import Markup

HOSTILE = Leaf(
    '<script>alert("x")</script>[bold red]\x1b[31m\u202e', "params", (8,), "float32", 4, ("embed",)
)


def text_of(report, width: int, **options) -> str:
    file = io.StringIO()
    Console(file=file, width=width, highlight=False, markup=False, **options).print(report)
    return file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_text_fits_and_keeps_every_path(plan, width):
    shown = text_of(explain(plan), width)
    assert max(map(len, shown.splitlines())) <= width
    for path in ("embedding", "layers_*/mlp/up (2 alike)", "layers_1/norm/scale", "0/count", "inputs"):
        assert path in shown


def test_a_leaf_shows_every_dim_with_its_rule(plan):
    shown = str(explain(plan, "embedding"))
    assert "P('tensor', 'fsdp')" in shown
    for reason in plan.by_path["params", "embedding"].resolution.dims:
        assert f"{reason.rule.logical_axis} = {reason.rule.target}" in shown
        assert str(reason.rule.origin) in shown


def test_rules_that_lost_are_shown_with_the_reason():
    logits = Leaf("logits", "activations", (16, 32, 256), "float32", 4, ("batch", "seq", "vocab"))
    shown = str(explain(plan_of("tp_sp", "data=2,tensor=4", logits), "logits"))
    assert "lost" in shown
    assert "`tensor` went to dim 2 (`vocab`) before" in " ".join(shown.split())


def test_a_pattern_that_finds_nothing_is_an_error_with_advice(plan):
    with pytest.raises(AxisRulesError) as caught:
        explain(plan, "mlp")
    assert caught.value.diagnostics[0].code == "AXR310"
    assert "**/mlp/**" in caught.value.diagnostics[0].fix


def test_json_has_every_leaf_and_survives_a_round_trip(plan):
    facts = json.loads(json.dumps(explain(plan).to_json()))
    assert len(facts["leaves"]) == len(leaves())
    embedding = facts["leaves"][0]
    assert embedding["spec"] == [["tensor"], ["fsdp"]]
    assert embedding["local_shape"] == [64, 32]
    assert embedding["dims"][0]["rule"]["line"] > 0
    assert facts["totals"]["params"]["bytes_per_device"] == plan.bytes_per_device("params")


def test_names_from_models_are_neither_markup_nor_control_characters():
    explanation = explain(plan_of("fsdp", "fsdp=8", HOSTILE))
    for html in (explanation.to_html(), explanation._repr_html_()):
        page = Markup(html)
        assert not page.tags & {"b", "bold"}
        assert 'alert("x")' not in "".join(page.inside["script"])
        assert '<script>alert("x")</script>[bold red]\\x1b[31m\\u202e' in page.text
    for width in (80, 120):
        shown = text_of(explanation, width)
        assert "[bold red]" in shown
        assert "\x1b" not in shown


def test_a_fragment_for_a_notebook_needs_nothing_from_elsewhere(plan):
    html = explain(plan)._repr_html_()
    assert "http" not in html
    assert not Markup(html).tags & {"script", "link", "img", "iframe"}


def test_html_shows_errors_and_any_selection(plan):
    short = Leaf("x", "params", (6,), "float32", 4, ("mlp",))
    assert "AXR401" in explain(plan_of("tp", "data=2,tensor=4", short))._repr_html_()
    assert "layers_0/mlp/up" in Markup(explain(plan, "**/mlp/*").to_html()).text


def test_without_colour_the_words_are_the_same(plan, monkeypatch):
    coloured = Console(width=100, force_terminal=True, color_system="256", record=True, file=io.StringIO())
    coloured.print(explain(plan), markup=False, highlight=False)
    plain = coloured.export_text(styles=False)
    monkeypatch.setenv("NO_COLOR", "1")
    without = text_of(explain(plan), 100, force_terminal=True)
    assert "\x1b[3" not in without.replace("\x1b[3m", "")
    assert "[fsdp]" in plain
    assert "[tensor]" in plain


def test_the_order_is_always_the_same(plan):
    assert str(explain(plan)) == str(explain(plan_of("fsdp_tp_sp", "fsdp=2,tensor=4")))
