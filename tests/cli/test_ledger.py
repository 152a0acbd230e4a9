"""`axisrules ledger`: filtered, grouped, as text, JSON and a page; wrong arguments are said at once."""

import pytest

from axisrules.analysis import Direction, GroupKey, Kind, Network
from axisrules.cli import ledger
from axisrules.report import SORT_KEYS

TINY = ("--batch", "8", "--seq", "16")
FSDP = ("ledger", "--rules", "fsdp", "--mesh", "fsdp=8", "--target", "gpu:h100:1x8", *TINY)


@pytest.mark.slow
def test_every_collective_with_its_axis_and_rule(run_json):
    code, shown = run_json(*FSDP)
    assert code == 0
    rows = shown["ledger"]["collectives"]
    gathers = [row for row in rows if row["kind"] == "all-gather" and row["payload_bytes"] > 1 << 16]
    assert {tuple(row["logical_axes"]) for row in gathers} == {("embed",)}
    assert all("fsdp.toml" in row["rules"][0] and row["source"] for row in gathers)
    assert shown["ledger"]["wire_bytes"] == sum(row["count"] * row["wire_bytes"] for row in rows)


@pytest.mark.slow
def test_filters_and_groups(run_json):
    _, whole = run_json(*FSDP)
    _, scatters = run_json(*FSDP, "--kind", "reduce-scatter", "--direction", "backward")
    assert 0 < len(scatters["ledger"]["collectives"]) < len(whole["ledger"]["collectives"])
    assert {row["kind"] for row in scatters["ledger"]["collectives"]} == {"reduce-scatter"}
    _, grouped = run_json(*FSDP, "--by", "kind", "network")
    assert len(grouped["groups"]) >= 2
    _, none = run_json(*FSDP, "--axis", "tensor")
    assert none["ledger"]["collectives"] == []


@pytest.mark.slow
def test_text_and_page(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*FSDP, "--html", "report.html")
    assert (code, err) == (0, "")
    assert "<table" in (tmp_path / "report.html").read_text(encoding="utf-8")
    code, out, _ = run(*FSDP, "--sort", "count")
    assert code == 0
    assert "all-gather" in out


def test_a_report_that_exists_is_said_before_any_compile(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.html").write_text("mine", encoding="utf-8")
    code, _, err = run(*FSDP, "--html", "report.html")
    assert code == 2
    assert "AXR601" in err
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("target", "expected"),
    [("tpu:v5e", "AXR801"), ("tpu:v9:4x4", "AXR210"), ("tpu:v5e:3x5", "AXR802"), ("h100", "AXR801")],
)
def test_a_target_that_is_none(run, target, expected):
    code, _, err = run("ledger", "--rules", "fsdp", "--target", target, *TINY)
    assert code == 2
    assert expected in err


def test_a_mesh_unlike_the_chips_is_the_layouts_own_error(run_json):
    code, shown = run_json("ledger", "--rules", "fsdp", "--mesh", "fsdp=3", "--target", "tpu:v5e:2x4", *TINY)
    assert code == 1
    assert "AXR205" in shown["error"]
    assert shown["ledger"] is None


def test_choices_are_those_of_the_ledger():
    def values(literal):
        return literal.__args__

    assert set(ledger.KINDS) <= set(values(Kind))
    assert set(ledger.NETWORKS) == set(values(Network))
    assert set(ledger.DIRECTIONS) == set(values(Direction))
    assert set(ledger.GROUPS) == set(values(GroupKey))
    assert set(ledger.SORTS) == set(SORT_KEYS)
