import json
from dataclasses import replace

import pytest

from axisrules.diagnostics import printable
from axisrules.report import SearchTable, bounds_words
from axisrules.report.search_words import candidate_words, gap_words
from axisrules.rules import load_rules, parse_toml
from axisrules.search import find_start
from tests.report.markup import Markup
from tests.report.search_cases import searched, space

HOSTILE = '</script><script>alert("x")</script><img src=x>\x1b[31m'


@pytest.fixture(scope="module")
def found():
    return searched()


@pytest.fixture(scope="module")
def page(found):
    return Markup(SearchTable(found, model="decoder of 32 layers").to_html())


def test_the_text_has_the_best_few_and_why(found):
    text = str(SearchTable(found, model="decoder of 32 layers", written="best.toml"))
    best = found.result.best
    assert "decoder of 32 layers" in text
    assert f"{best.candidate} is the best found" in text
    assert "written to best.toml" in text
    assert f"{len(found.result.space):,} layouts on tpu:v5p:2x2x2" in text
    assert all(reason.choice in text for reason in found.reasons[:3])
    for one in found.result.ranking[:6]:
        assert one.candidate.mesh in text
    assert "30% !" in text, "the share of exposed communication, which is high"


def test_json_says_the_same_and_its_table_can_be_read(found, tmp_path):
    values = json.loads(json.dumps(SearchTable(found, written="best.toml").to_json(), allow_nan=False))
    assert values["best"] == values["ranking"][0]
    assert values["best"]["step_seconds"] == found.result.best.seconds
    assert values["space"]["layouts"] == len(found.result.space)
    assert values["space"]["compiled"] == 12
    assert len(values["reasons"]) == len(found.reasons)
    path = tmp_path / "best.toml"
    path.write_text(values["table"], encoding="utf-8")
    assert load_rules(path) == found.result.table(found.result.best)
    assert parse_toml(values["table"], file="best.toml")[0]["mesh"] == found.result.best.candidate.mesh


def test_the_page_has_a_row_for_everything_tried_and_every_anchor_its_place(found, page):
    assert all(candidate_words(one.candidate) in page.text for one in found.result.scored)
    assert "Why this layout" in page.text
    idents = page.values("id")
    assert len(idents) == len(set(idents))
    assert {link.removeprefix("#") for link in page.values("href")} <= set(idents)


def test_what_died_is_shown_and_the_rest_still_ranked():
    died = searched(dies="full")
    text = str(SearchTable(died))
    assert died.result.failed
    assert text.count("the compiler was killed <signal 9>") == len(died.result.failed)
    assert "is the best found" in text
    assert "killed &lt;signal 9&gt;" in SearchTable(died).to_html()
    assert len(SearchTable(died).to_json()["failed"]) == len(died.result.failed)


def test_nothing_that_fits_is_said_with_what_would():
    large = searched(needed=150)
    text = str(SearchTable(large))
    assert "nothing that fits was found" in text
    assert "AXR905" in text
    assert [finding.code for finding in large.findings] == ["AXR905"]
    assert SearchTable(large).to_json()["best"] is None
    assert "AXR905" in Markup(SearchTable(large).to_html()).text


def test_ties_are_called_ties(found):
    result = found.result
    best = result.best
    near = replace(result.ranking[1], seconds=best.seconds * (1 + result.error / 2), mode=best.mode)
    tied = replace(result, finalists=(best, near))
    assert gap_words(best, tied) == "best"
    assert gap_words(near, tied).endswith("(tie)")
    assert "1 layout is too near to the best" in str(SearchTable(replace(found, result=tied)))


def test_a_start_is_held_against_the_best(found):
    where = found.result.space
    start = find_start(where, replace(where.table(where.candidates[0]), name="mine"))
    slow = replace(found.result.best, seconds=2 * found.result.best.seconds)
    text = str(SearchTable(replace(found, start=start, before=slow)))
    assert "the best takes 50% less" in text
    same = str(SearchTable(replace(found, start=start, before=found.result.best)))
    assert "nothing faster was found" in same


def test_no_word_from_elsewhere_changes_the_page():
    def page_of(name, died):
        broken = tuple(replace(one, error=name) for one in died.result.failed)
        kept = tuple(one for one in died.result.scored if not one.error)
        return Markup(
            SearchTable(replace(died, result=replace(died.result, scored=kept + broken)), name).to_html()
        )

    died = searched(dies="full")
    plain, named = page_of("plain", died), page_of(HOSTILE, died)
    assert died.result.failed
    assert named.shape == plain.shape
    assert printable(HOSTILE) in named.text


def test_a_candidate_is_shown_before_it_is_compiled():
    where = space(hbm=0.5)
    one = where.candidates[0]
    words = bounds_words(one, where.bounds(one), where.target, 0.5)
    assert words.startswith(f"{one}: state ")
    assert " of " in words
