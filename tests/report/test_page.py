import base64
import hashlib
import re
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from axisrules import explain
from axisrules.diagnostics import Origin, printable
from axisrules.evidence import Comparison
from axisrules.report import ComparisonTable, LedgerTable
from axisrules.report.page.render import json_in_html
from axisrules.resolve import Leaf
from tests.report.evidence_cases import COMPARISON, FINDING, collective, decoder_plan, layout
from tests.report.markup import Markup

HOSTILE = '</script><script>alert("x")</script><img src=x onerror=alert(1)>&lt;\x1b[31m\u202e'


def page_with(name: str) -> str:
    """A comparison in which every name that a user can give is `name`."""
    source = Origin(name, 3, name)
    leaf = Leaf(name, "params", (64, 64), "float32", 4, ("embed", "mlp"))
    row = layout("fsdp", "fsdp=64")
    plan = decoder_plan("fsdp", "fsdp=64", leaf)
    ledger = type(row.ledger)((collective("all-gather", "fsdp", 64, module_path=name, rules=(name,)),))
    finding = replace(FINDING, origin=source, subject=name, why=name)
    named = replace(
        row, rules=name, plan=replace(plan, rules=replace(plan.rules, name=name)), ledger=ledger,
        findings=(finding,), error=name,
    )  # fmt: skip
    found = Comparison(model=name, rows=(named,), versions={"jax": name}, machine=name)
    return ComparisonTable(found).to_html()


@pytest.fixture(scope="module")
def page() -> Markup:
    return Markup(ComparisonTable(COMPARISON).to_html())


@settings(max_examples=25, deadline=None)
@given(st.text(min_size=1, max_size=50))
@example(HOSTILE)
@example("{{ 7 * 6 }} {% raw %}")
@example("]]> <!-- -->")
def test_no_name_changes_the_page(name):
    plain, named = Markup(page_with("plain")), Markup(page_with(name))
    assert named.shape == plain.shape
    assert printable(name) in named.text
    assert named.inside["script"][1] == plain.inside["script"][1]


def test_a_script_in_a_name_is_shown_as_text():
    html = page_with(HOSTILE)
    assert "<img" not in html
    assert html.count("<script") == 2
    assert '</script><script>alert("x")</script>' in Markup(html).text


@given(st.recursive(st.text() | st.integers() | st.none(), st.lists))
def test_json_in_a_page_is_json_and_ends_no_element(values):
    text = json_in_html(values)
    assert not set("<>&") & set(text)
    assert Markup(f"<script>[1, {text}]</script>").inside["script"] == [f"[1, {text}]"]


def test_the_policy_allows_this_style_and_this_script_alone(page):
    (policy,) = [value for _, name, value in page.attributes if name == "content" and "default-src" in value]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    for kind, text in (("script-src", page.inside["script"][1]), ("style-src", page.inside["style"][0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[kind] == f"'sha256-{digest}'"


def test_nothing_comes_from_elsewhere(page):
    assert not page.tags & {"link", "img", "iframe", "object", "embed", "base"}
    assert not page.values("src")
    assert all(link.startswith("#") for link in page.values("href"))
    assert "url(" not in page.inside["style"][0]
    assert not page.values("style"), "no style outside of the style sheet"


def test_every_anchor_has_its_place(page):
    idents = page.values("id")
    assert len(idents) == len(set(idents))
    assert {link.removeprefix("#") for link in page.values("href")} <= set(idents)
    referred = {one for name in ("aria-labelledby", "aria-describedby") for one in page.values(name)}
    assert referred <= set(idents)


def test_what_a_reader_without_the_script_sees(page):
    for fact in (
        "decoder of 32 layers",
        "11.0 ms",
        "too large by 25.0 GiB",
        "the compiler was killed",
    ):
        assert fact in page.text
    for row in COMPARISON.rows:
        assert f"{row.rules} on {row.target}" in page.text
    assert "layers/mlp/up" in page.text
    assert "models/decoder.py:40" in page.text
    assert "does not divide" in page.text or "the rule's mesh axes were free" in page.text


def test_a_page_without_a_plan_or_a_ledger_says_so():
    (failed,) = [row for row in COMPARISON.rows if row.error]
    html = LedgerTable(failed).to_html()
    assert "the compiler was killed &lt;signal 9&gt;" in html
    assert Markup(html).data == {}


def test_thousands_of_leaves_make_no_huge_page():
    leaves = [
        Leaf(f"layer_{number}x/weight", "params", (256, 512), "float32", 4, ("embed", "mlp"))
        for number in range(5000)
    ]
    html = explain(decoder_plan("fsdp_tp", "fsdp=16,tensor=32", *leaves)).to_html()
    assert len(html) < 600_000
    assert "layer_4999x/weight" in html
    assert len(re.findall("<details", html)) < 200
