"""`axisrules remat` on a small decoder."""

import json

import pytest

SMALL = ("--batch", "8", "--seq", "16", "--rules", "dp", "--mesh", "data=8")


def test_policies_side_by_side(run_json):
    code, found = run_json("remat", *SMALL)
    assert code == 0
    assert [row["policy"] for row in found["policies"]] == ["none", "attention", "full"]
    none, attention, full = found["policies"]
    assert full["temporary_bytes"] < attention["temporary_bytes"] < none["temporary_bytes"]
    assert none["flops"] < attention["flops"] < full["flops"]
    assert full["flops_ratio"] == full["flops"] / none["flops"]


@pytest.mark.slow
def test_a_table_s_own_policy_and_options_as_in_toml(run, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('remat = "**/mlp"\n[rules]\nlayers = []\n', encoding="utf-8")
    options = '{save = ["batch seq mlp"]}'
    arguments = ("remat", *SMALL[:4], "--rules", f"dp+{path}", "--mesh", "data=8", "--policies", options)
    code, out, _ = run(*arguments, "--json")
    assert code == 0
    assert [row["policy"] for row in json.loads(out)["policies"]] == ["none", "**/mlp", options]


def test_a_policy_that_is_none_is_bad_input(run):
    assert run("remat", *SMALL, "--policies", "a//b")[0] == 2
    code, _, err = run("remat", *SMALL, "--policies", "{save = ")
    assert code == 2
    assert "AXR602" in err
