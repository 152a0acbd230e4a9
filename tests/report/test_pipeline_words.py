"""Columns of pipelines: there where a row has one, in the terminal, as JSON and on the page."""

import json
from dataclasses import replace

import pytest

from axisrules.report import BenchTable, ComparisonTable
from tests.report.evidence_cases import COMPARISON, PIPELINE, layout
from tests.report.test_bench import REPORT, ROW
from tests.report.test_comparison import text_of

STAGED = layout("3d", "data=8,stage=4,tensor=2", pipeline=PIPELINE)
TABLES = {
    "comparison": (
        ComparisonTable(replace(COMPARISON, rows=(*COMPARISON.rows, STAGED))),
        ComparisonTable(COMPARISON),
    ),
    "bench": (
        BenchTable(replace(REPORT, rows=(ROW, replace(ROW, rules="3d", pipeline=PIPELINE)))),
        BenchTable(REPORT),
    ),
}
FACTS = ("interleaved 4 by 2 × 16", "70", "8.6%", "11")


@pytest.mark.parametrize("kind", TABLES)
def test_a_pipeline_is_shown_where_there_is_one(kind):
    staged, plain = TABLES[kind]
    for shown in (text_of(staged, 250), staged.to_html(), staged._repr_html_()):
        for fact in FACTS:
            assert fact in shown
    assert "bubble" in str(staged)
    assert "bubble" not in str(plain)


@pytest.mark.parametrize("kind", TABLES)
def test_json_has_all_of_it_or_null(kind):
    rows = json.loads(json.dumps(TABLES[kind][0].to_json()))["rows"]
    assert rows[0]["pipeline"] is None
    assert rows[-1]["pipeline"]["trips"] == [7, 28, 7]
    assert rows[-1]["pipeline"]["ring"] == 13


def test_what_lies_with_the_host_has_a_column_where_something_does():
    assert "on the host" not in str(ComparisonTable(COMPARISON))
    row = layout("fsdp", "fsdp=64", host_bytes=3 << 30)
    shown = str(ComparisonTable(replace(COMPARISON, rows=(row,))))
    assert "on the host" in shown
    assert "3.00 GiB" in shown
