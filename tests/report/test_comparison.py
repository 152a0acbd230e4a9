import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from axisrules.analysis import Ledger
from axisrules.report import ComparisonTable
from tests.report.evidence_cases import COMPARISON, LEDGER, collective, estimate, layout

TABLE = ComparisonTable(COMPARISON)


def text_of(report, width: int, **options) -> str:
    file = io.StringIO()
    Console(file=file, width=width, highlight=False, markup=False, **options).print(report)
    return file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 120, 250])
def test_every_fact_of_a_layout_is_shown_within_the_width(width):
    shown = text_of(TABLE, width)
    assert max(map(len, shown.splitlines())) <= width
    facts = (
        "48.0 GiB",
        "95.0 GiB",
        "31.0 GiB",
        "3.00 TFLOP",
        "16.0 ms",
        "5.00 ms",
        "3.28 GiB",
        "896 KiB",
        "41%",
    )
    for fact in facts:
        assert fact in shown
    for heading in (
        "over fsdp",
        "on DCN",
        "ICI exposed",
        "DCN exposed",
        "NVLink exposed",
        "MFU",
        "gradients",
    ):
        assert heading in shown


def test_a_step_time_says_where_it_comes_from():
    row = layout("dp", "data=64", step_is_measured=True, estimate=None)
    shown = text_of(ComparisonTable(replace(COMPARISON, rows=(row, COMPARISON.rows[0]))), 200)
    assert "measured" in shown
    assert "model" in shown
    assert "dp is the fastest that fits on tpu:v5p:4x4x4, by measurement" in shown


def test_much_communication_is_marked_without_colour():
    lines = [line for line in str(TABLE).splitlines() if "38%" in line]
    assert lines
    assert all("38% !" in line for line in lines)
    assert "9.1% !" not in str(TABLE)


def test_what_does_not_fit_has_its_bytes_and_no_rank():
    row = TABLE.to_json()["rows"][2]
    assert (row["fits"], row["rank"]) == (False, None)
    assert row["needed_bytes"] > row["hbm_bytes"]
    assert "too large by 25.0 GiB" in TABLE.to_html()


def test_a_layout_that_failed_leaves_the_others_readable():
    shown = str(TABLE)
    assert "tp on tpu:v5p:4x4x4 failed\nthe compiler was killed <signal 9>\nits last words" in shown
    assert TABLE.to_json()["is_complete"] is False
    assert "fsdp_tp is the fastest that fits on tpu:v5p:4x4x4, by the model" in shown
    assert "fsdp is the fastest that fits on gpu:h100:1x8, by the model" in shown


def test_findings_stand_with_their_layout():
    assert "error[AXR401] fsdp on tpu:v5p:4x4x4: uneven split; 6 is not a multiple of 4" in str(TABLE)
    assert "AXR401" in TABLE._repr_html_()


def test_one_target_needs_no_column():
    one = replace(COMPARISON, rows=COMPARISON.rows[:2])
    assert " target " not in text_of(ComparisonTable(one), 200)
    assert " target " in text_of(TABLE, 200)


def test_json_is_whole_and_its_parts_sum_up():
    facts = json.loads(json.dumps(TABLE.to_json(), allow_nan=False))
    assert facts["ranking"] == [1, 0, 4]
    for row, evidence in zip(facts["rows"], COMPARISON.rows, strict=True):
        if row["step_seconds"]:
            assert sum(row["step_parts"].values()) == pytest.approx(row["step_seconds"])
        if evidence.ledger is not None:
            assert sum(row["wire_bytes"].values()) == evidence.ledger.wire_bytes
            assert sum(row["wire_bytes_by_network"].values()) == evidence.ledger.wire_bytes
    keys = [set(row) for row in facts["rows"]]
    assert all(one == keys[0] for one in keys)


def test_json_keeps_its_keys():
    assert list(TABLE.to_json()) == ["model", "machine", "versions", "rows", "ranking", "is_complete"]
    assert list(TABLE.to_json()["rows"][0]) == [
        "rules", "target", "mesh", "mode", "rank", "fits", "needed_bytes", "hbm_bytes", "param_bytes",
        "optimizer_bytes", "gradient_bytes", "temporary_bytes", "host_bytes", "flops", "wire_bytes",
        "wire_bytes_by_network", "collective_count", "pipeline", "step_seconds", "step_basis", "step_parts",
        "estimate", "mfu",
        "communication_share", "compile_seconds", "is_cached", "error", "diagnostics",
    ]  # fmt: skip


def test_collectives_over_several_mesh_axes_have_a_column_of_their_own():
    over_fsdp, over_data = LEDGER.collectives[0].axes, LEDGER.collectives[3].axes
    both = collective("all-reduce", "data", 64, axes=(*over_fsdp, *over_data))
    row = layout("fsdp", "fsdp=64", ledger=Ledger((both,)), estimate=estimate(compute=1e-3))
    assert "over fsdp+data" in text_of(ComparisonTable(replace(COMPARISON, rows=(row,))), 200)


def test_no_rows_are_no_error():
    empty = ComparisonTable(replace(COMPARISON, rows=()))
    assert "decoder of 32 layers" in str(empty)
    assert empty.to_json()["rows"] == []
    assert "<h1>decoder of 32 layers</h1>" in empty.to_html()
