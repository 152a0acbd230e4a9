"""Advice as text and as JSON: what was tried is all there, with its outcome, whether it holds or not."""

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from axisrules.advice import Advice, Change, Trial, Verdict
from axisrules.diagnostics import catalog
from axisrules.evidence import ERROR_BAR
from axisrules.report import AdviceTable
from axisrules.rules import load_rules
from tests.report.evidence_cases import estimate, layout

BASE = layout("fsdp_tp", "fsdp=16,tensor=4")
FASTER = layout("fsdp", "fsdp=64", step_seconds=8e-3, estimate=estimate(compute=7e-3, ICI=1e-3))
LARGER = layout("dp", "data=64", step_seconds=7e-3, needed_bytes=120 << 30)
PROBLEM = "error[AXR401]: uneven split\n  why: 6 is not a multiple of 4"


def changed(words, *lines):
    return Change(words, lines, load_rules("fsdp"))


TRIALS = (
    Trial(changed("`fsdp` in the place of tensor parallelism", 'mesh = "fsdp=64,tensor=1"'), FASTER),
    Trial(changed("whole parameters", "[kind.params]", "embed = []"), LARGER),
    Trial(changed("<half> the ways", 'mesh = "fsdp=32,tensor=2"'), None, PROBLEM),
)
ADVICE = Advice(BASE, (Verdict(catalog.MODEL_CUT_NEEDLESSLY, "parameters are cut", BASE, TRIALS),))
NOTHING = Advice(BASE, (Verdict(catalog.MODEL_CUT_NEEDLESSLY, "parameters are cut", BASE, TRIALS[1:]),))
FAILED = Advice(
    replace(BASE, error="error[AXR803]: compiler for a target not installed", step_seconds=None), ()
)


def text_of(advice, width):
    file = io.StringIO()
    Console(file=file, width=width, highlight=False, markup=False).print(AdviceTable(advice, ERROR_BAR))
    return file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_every_trial_is_shown_with_its_outcome_within_the_width(width):
    shown = text_of(ADVICE, width)
    assert max(map(len, shown.splitlines())) <= width
    words = " ".join(shown.split())
    for fact in ("11.0 ms", "8.00 ms", "7.00 ms", "27%", "better", "does not fit", "unknown", "120 GiB"):
        assert fact in words
    assert "warning[AXR920]" in words
    assert "7.0% or less is a tie" in words


def test_a_change_that_was_not_tried_says_why_once():
    doubled = replace(ADVICE, verdicts=ADVICE.verdicts * 2)
    shown = text_of(doubled, 120)
    assert shown.count("6 is not a multiple of 4") == 1
    assert "<half> the ways: not tried" in shown


def test_no_advice_says_how_much_was_tried():
    assert "none of 2 changes is better" in text_of(NOTHING, 120)
    assert "nothing to try" in text_of(Advice(BASE, ()), 120)


def test_a_table_without_evidence_gets_its_reason():
    shown = text_of(FAILED, 120)
    assert "AXR803" in shown
    assert "no advice, for want of evidence" in shown


def test_json_has_every_trial_and_the_findings():
    made = json.loads(json.dumps(AdviceTable(ADVICE, ERROR_BAR).to_json(), allow_nan=False))
    assert (made["layout"], made["mesh"], made["error_bar"]) == ("fsdp_tp", "fsdp=16,tensor=4", ERROR_BAR)
    (only,) = made["advice"]
    assert [one["outcome"] for one in only["trials"]] == ["better", "does not fit", "unknown"]
    assert only["fires"] is True
    assert only["trials"][0]["saved"] == pytest.approx(3 / 11)
    assert only["trials"][1]["lines"] == ["[kind.params]", "embed = []"]
    assert only["trials"][2]["problem"] == PROBLEM
    assert [found["code"] for found in made["diagnostics"]] == ["AXR920"]
    assert [set(one) for one in only["trials"]] == [set(only["trials"][0])] * 3
