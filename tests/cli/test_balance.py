"""`axisrules balance`: proposals against brute force live beside the algorithm; here, what is shown."""

import pytest


def test_a_dear_head_is_balanced_away(run_json):
    code, found = run_json("balance", "--stages", "4", "--costs", *["1"] * 8, "--last", "2.6")
    splits = {row["name"]: row for row in found["splits"]}
    assert code == 0
    assert splits["even"]["imbalance"] > 0.7
    assert splits["balanced"]["bottleneck"] == 3
    assert splits[found["proposed"]]["imbalance"] <= 0.05


def test_the_decoder_is_weighed(run_json):
    code, found = run_json("balance", "--stages", "2", "--batch", "4", "--seq", "16")
    assert code == 0
    assert found["unit"] == "layers"
    assert [sum(row["counts"]) for row in found["splits"]] == [4, 4, 4]
    assert sum(found["splits"][0]["costs"]) > 4, "embedding and head count"


def test_the_line_for_a_table_is_printed(run):
    code, out, _ = run("balance", "--stages", "2", "--costs", "1", "1", "2")
    assert code == 0
    assert "split = [2, 1]" in out


def test_more_stages_than_layers_are_refused(run):
    code, _, err = run("balance", "--stages", "9", "--costs", "1", "1")
    assert code == 2
    assert "AXR752" in err
    assert "2 layers for 9 stages" in err


@pytest.mark.parametrize("bad", ["-1", "nan", "much"])
def test_costs_are_numbers_from_zero(run, bad):
    assert run("balance", "--stages", "2", "--costs", bad)[0] == 2
