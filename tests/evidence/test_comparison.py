"""Tables and targets in, a comparison out: rows that fail are rows, and nothing else is lost."""

import subprocess
import sys
from pathlib import Path

import pytest

from axisrules.diagnostics import AxisRulesError
from axisrules.evidence import compare
from axisrules.rules import load_rules, parse_training

PROJECT = Path(__file__).parents[2]


@pytest.mark.slow
def test_every_table_meets_every_target_and_a_failure_is_a_row(program):
    found = compare(program(), ["fsdp", "tp"], ["tpu:v5e:2x2", "gpu:h100:1x8"], mesh="fsdp=2,tensor=-1")
    assert [(row.rules, str(row.target)) for row in found.rows] == [
        ("fsdp", "tpu:v5e:2x2"), ("tp", "tpu:v5e:2x2"), ("fsdp", "gpu:h100:1x8"), ("tp", "gpu:h100:1x8"),
    ]  # fmt: skip
    assert [str(row.mesh) for row in found.rows] == ["fsdp=2,tensor=2"] * 2 + ["fsdp=2,tensor=4"] * 2
    assert all(row.fits and row.step_seconds and not row.step_is_measured for row in found.rows)
    assert found.is_complete
    assert {found.rank(row) for row in found.rows[:2]} == {1, 2}


@pytest.mark.slow
def test_a_layout_that_cannot_be_planned_keeps_its_place(program):
    seen = []
    found = compare(
        program(), ["fsdp", "tp"], ["tpu:v5e:2x4"], mesh="fsdp=3,tensor=3",
        on_progress=lambda *now: seen.append(now),
    )  # fmt: skip
    assert all("AXR205" in row.error for row in found.rows)
    assert found.ranking == ()
    assert not found.is_complete
    assert ("fsdp on tpu:v5e:2x4", "plan", 0) in seen


def test_a_target_that_is_none_is_said_before_any_work(program):
    with pytest.raises(AxisRulesError) as raised:
        compare(program(), ["fsdp"], ["tpu:v5e"])
    assert [found.code for found in raised.value.diagnostics] == ["AXR801"]


@pytest.mark.slow
def test_local_devices_are_compiled_for_and_have_no_model_of_time(evidence_of):
    evidence = evidence_of("fsdp", "fsdp=8", "local")
    assert evidence.ledger.only(mesh_axis="fsdp").count > 0
    assert evidence.estimate is None
    assert evidence.step_seconds is None
    assert evidence.param_bytes * 8 >= sum(
        leaf.leaf.bytes for leaf in evidence.plan.leaves if leaf.leaf.kind == "params"
    )


@pytest.mark.slow
def test_the_bytes_of_the_plan_are_those_that_the_compiler_gives_the_arguments(evidence_of):
    evidence = evidence_of("fsdp", "fsdp=8", "gpu:h100:1x8")
    planned = sum(evidence.plan.bytes_per_device(kind) for kind in ("params", "optimizer", "batch"))
    assert evidence.memory.argument_bytes == pytest.approx(planned, rel=0.01)
    assert evidence.needed_bytes >= planned


@pytest.mark.slow
def test_a_second_time_comes_from_the_cache(program):
    first, second = (compare(program(), ["dp"], ["gpu:h100:1x8"], mesh="data=8").rows[0] for _ in range(2))
    assert second.is_cached
    assert second.ledger == first.ledger


@pytest.mark.slow
def test_two_benches_at_once_both_succeed_and_print_nothing_else(tmp_path):
    command = [
        sys.executable, "-m", "axisrules", "bench", "--target", "tpu:v5e:2x2", "--rules", "fsdp",
        "--mesh", "fsdp=4", "--no-cache", "--batch", "4", "--seq", "16", "--json",
    ]  # fmt: skip
    running = [
        subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in running:
        out, err = process.communicate(timeout=240)
        assert (process.returncode, err) == (0, "")
        assert '"fsdp"' in out


def test_a_compiler_that_is_missing_is_the_rows_error_with_the_command_that_installs_it(program, monkeypatch):
    monkeypatch.setattr("axisrules.evidence.comparison.installed_versions", lambda: {"jax": "0.10.2"})
    row = compare(program(), ["fsdp"], ["tpu:v5e:2x4"], mesh="fsdp=8").rows[0]
    assert "AXR803" in row.error
    assert "pip install 'axisrules[tpu]'" in row.error


@pytest.mark.slow
def test_what_is_offloaded_lies_with_the_host(program):
    tables = [
        load_rules("fsdp") | parse_training({"remat": {"recompute": ["full"], word: ["batch seq mlp"]}})
        for word in ("save", "offload")
    ]
    saved, offloaded = compare(program(), tables, ["tpu:v5e:2x4"], mesh="fsdp=8").rows
    assert saved.host_bytes == 0
    layers, rows, seq, mlp, bfloat16 = 2, 16 // 8, 128, 1024, 2
    one_layer = rows * seq * mlp * bfloat16
    # Every layer's, to the byte; the compiler of JAX 0.12 has one layer more, to copy while it computes.
    assert offloaded.host_bytes in (layers * one_layer, (layers + 1) * one_layer)
