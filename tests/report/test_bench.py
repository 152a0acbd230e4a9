import json
from dataclasses import replace

import pytest

from axisrules.bench import BenchReport, BenchRow
from axisrules.report import BenchTable
from tests.report.markup import Markup

ROW = BenchRow(
    rules="dp",
    mesh="data=8",
    losses=(5.5, 5.25, 5.0),
    param_bytes=1 << 20,
    optimizer_bytes=2 << 20,
    temporary_bytes=3 << 20,
    compile_seconds=1.5,
    step_seconds=0.25,
    tokens_per_second=16384.0,
    speed_ratio=1.0,
)
REPORT = BenchReport(
    model="a model",
    api="linen",
    dtype="float32",
    batch=16,
    seq=128,
    steps=3,
    devices=8,
    platform="cpu",
    versions={"jax": "1"},
    machine="a machine",
    rows=(ROW, replace(ROW, rules="fsdp", mesh="fsdp=8", speed_ratio=0.5)),
)


def test_every_fact_of_a_layout_is_shown():
    shown = str(BenchTable(REPORT))
    for fact in (
        "dp",
        "data=8",
        "5.5000",
        "5.0000",
        "1.00 MiB",
        "2.00 MiB",
        "3.00 MiB",
        "1.50 s",
        "250 ms",
        "16,384",
        "0.50×",
    ):
        assert fact in shown
    assert "equal losses" in shown


def test_losses_that_differ_are_a_finding():
    other = replace(ROW, rules="tp", losses=(5.5, 5.25, 5.1))
    table = BenchTable(replace(REPORT, rows=(ROW, other)))
    assert table.to_json()["diagnostics"][0]["code"] == "AXR603"
    assert "AXR603" in str(table)
    assert "AXR603" in table._repr_html_()


def test_a_layout_that_failed_leaves_the_others_readable():
    failed = BenchRow("tp", "", error="error[AXR401]: uneven split\n  why: <6 by 4>")
    table = BenchTable(replace(REPORT, rows=(ROW, failed)))
    assert "tp did not run" in str(table)
    assert "why: <6 by 4>" in str(table)
    assert "&lt;6 by 4&gt;" in table._repr_html_()
    assert json.loads(json.dumps(table.to_json()))["is_equal"] is False


@pytest.mark.parametrize("steps", [1, 3, 100])
def test_losses_are_thinned_to_fit_but_first_and_last_stay(steps):
    losses = tuple(float(step) for step in range(steps))
    shown = str(BenchTable(replace(REPORT, steps=steps, rows=(replace(ROW, losses=losses),))))
    assert "loss 1" in shown
    assert f"loss {steps}" in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_a_page_shows_times_bytes_losses_and_what_failed():
    failed = BenchRow("<tp>", "", error="error[AXR401]: uneven split")
    other = replace(ROW, rules="fsdp", losses=(5.5, 5.25, 5.1), step_seconds=0.5)
    page = Markup(BenchTable(replace(REPORT, rows=(ROW, other, failed))).to_html())
    for fact in (
        "250 ms",
        "500 ms",
        "3.00 MiB",
        "5.1000",
        "<tp> did not run",
        "AXR401",
        "AXR603",
        "measured",
    ):
        assert fact in page.text
    nothing = Markup(BenchTable(replace(REPORT, rows=(failed,))).to_html())
    assert "figure" not in nothing.tags
