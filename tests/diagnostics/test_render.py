"""Findings as people and programs read them; nothing from a model or a file is obeyed."""

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.diagnostics import (
    CATALOG,
    AxisRulesError,
    Origin,
    catalog,
    did_you_mean,
    printable,
    raise_errors,
    render_text,
    shown_value,
    to_json,
)

FINDING = catalog.COLLISION.at(
    Origin("rules.toml", 14, '\theads = "tensor"'),
    subject="params:decoder/query",
    why="`embed` took `tensor` first",
    fix="put `heads` above",
)


def test_text() -> None:
    assert render_text([FINDING, catalog.EMPTY_TABLE.at(Origin("empty.toml"))]) == (
        "error[AXR402]: mesh axis used by two dims of one array\n"
        '  --> rules.toml:14   heads = "tensor"\n'
        "  for: params:decoder/query\n"
        "  why: `embed` took `tensor` first\n"
        "  fix: put `heads` above\n"
        "  more: axisrules explain AXR402\n"
        "\n"
        "error[AXR107]: rule table without rules\n"
        "  --> empty.toml\n"
        "  more: axisrules explain AXR107"
    )


def test_json() -> None:
    assert json.loads(json.dumps(to_json(FINDING))) == {
        "code": "AXR402",
        "severity": "error",
        "title": "mesh axis used by two dims of one array",
        "file": "rules.toml",
        "line": 14,
        "subject": "params:decoder/query",
        "why": "`embed` took `tensor` first",
        "fix": "put `heads` above",
    }
    nowhere = to_json(catalog.EMPTY_TABLE.at())
    assert (nowhere["file"], nowhere["line"]) == (None, None)


@given(st.text(), st.text(), st.text())
def test_whatever_a_file_holds_a_finding_keeps_its_lines(file: str, text: str, why: str) -> None:
    shown = render_text([catalog.BAD_SYNTAX.at(Origin(file, 3, text), why=why)])
    assert all(line.isprintable() for line in shown.split("\n"))
    assert len(shown.split("\n")) == (4 if why else 3)


@given(st.text())
def test_printable_text_stays_as_it_is(text: str) -> None:
    assert printable(text, limit=1000).isprintable()
    if text.isprintable() and len(text) <= 200:
        assert printable(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "decoder/layers_0/query",
        "C:\\rules\\my table.toml",
        "[bold]",
        "<b>",
        "Größe",
        "层",
        "a" * 200,
        "`x` → y",
    ],
)
def test_ordinary_text_is_not_touched(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\u202e", "\\u202e"),
        ("a\u200bb", "a\\u200bb"),
        ("\u00a0", "\\xa0"),
        ("\ud800", "\\ud800"),
        ("\0", "\\x00"),
        ("x" * 300, "x" * 200 + "..."),
    ],
)
def test_what_a_terminal_would_obey_becomes_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_any_value_can_be_shown() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    loop: list[object] = []
    loop.append(loop)
    for value in (deep, loop, 10**5000, "x" * 10**6, object(), {"a": 1}, [10**5000]):
        assert len(shown_value(value)) < 300


@pytest.mark.parametrize(
    ("name", "known", "otherwise", "advice"),
    [
        ("tenser", ["data", "tensor"], "", "did you mean `tensor`?"),
        ("tenser", ["data", "tensor"], "leave it out", "did you mean `tensor`? If not, leave it out"),
        ("x", ["data", "tensor"], "leave it out", "known names: `data`, `tensor`; or leave it out"),
        ("x", [], "leave it out", "leave it out"),
        ("x", [], "", ""),
        ("x" * 10**6, ["data"], "", "known names: `data`"),
        ("zz", map(str, range(15)), "", None),
    ],
)
def test_did_you_mean(name: str, known: list[str], otherwise: str, advice: str | None) -> None:
    said = did_you_mean(name, known, otherwise)
    if advice is None:
        assert said.endswith("and 3 more")
    else:
        assert said == advice


def test_errors_are_raised_together_with_what_is_permitted() -> None:
    note = catalog.UNEVEN_SPLIT.under("allow").at()
    raise_errors([note])
    with pytest.raises(AxisRulesError) as caught:
        raise_errors([note, FINDING])
    assert caught.value.diagnostics == (note, FINDING)
    assert pickle.loads(pickle.dumps(caught.value)).diagnostics == caught.value.diagnostics
    assert isinstance(caught.value, ValueError)
    assert str(caught.value) == render_text([note, FINDING])


def test_codes_go_by_stage_and_titles_read_as_titles() -> None:
    for code, entry in CATALOG.items():
        assert code == entry.code
        assert code[:3] == "AXR"
        assert 101 <= int(code[3:]) <= 999
        assert entry.title[0].islower() or entry.title.startswith("XLA_FLAGS")
        assert not entry.title.endswith(".")
    assert list(CATALOG) == sorted(CATALOG)


@pytest.mark.parametrize(("policy", "severity"), [("error", "error"), ("warn", "warning"), ("allow", "note")])
def test_a_policy_sets_how_serious_a_finding_is(policy: str, severity: str) -> None:
    assert catalog.COLLISION.under(policy).at().severity == severity  # type: ignore[arg-type]
