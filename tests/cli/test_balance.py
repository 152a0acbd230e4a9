"""`axisrules balance`: proposals against brute force live beside the algorithm; here, what is shown."""

import json

import pytest

EIGHT = ("--costs", *["1"] * 8, "--last", "2.6")


def test_a_dear_head_is_shared_by_all_stages(run_json):
    code, found = run_json("balance", "--stages", "4", *EIGHT)
    assert code == 0
    assert found["splits"][0]["costs"] == pytest.approx([2.65] * 4)
    assert found["split"] == [2, 2, 2, 2]
    assert all(row["imbalance"] <= 0.05 for row in found["splits"])


def test_a_head_on_the_last_stage_is_balanced_as_far_as_layers_go(run_json, run):
    _, found = run_json("balance", "--stages", "4", *EIGHT, "--head", "last")
    splits = {row["name"]: row for row in found["splits"]}
    assert splits["even"]["imbalance"] == pytest.approx(4.6 / 2.65 - 1)
    assert splits["balanced"]["bottleneck"] == 3
    assert found["proposed"] == "balanced"
    assert "AXR764" in run("balance", "--stages", "4", *EIGHT, "--head", "last")[1]


def test_who_has_the_head_is_said(run):
    assert "the head is spread, 0.65 for each" in run("balance", "--stages", "4", *EIGHT)[1]
    assert "the last stage has the head" in run("balance", "--stages", "4", *EIGHT, "--head", "last")[1]


def test_a_split_of_the_user_s_is_held_against_the_others(run_json):
    _, found = run_json("balance", "--stages", "2", "--costs", *["1"] * 4, "--split", "1", "3")
    assert {row["name"]: row["bottleneck"] for row in found["splits"]}["as it is"] == 3
    assert found["split"] == [2, 2]


@pytest.mark.parametrize("split", [("1", "2"), ("4",), ("5", "-1")])
def test_a_split_has_all_layers_and_stages(run, split):
    code, _, err = run("balance", "--stages", "2", "--costs", *["1"] * 4, "--split", *split)
    assert code == 2
    assert "AXR752" in err


def test_several_stages_on_a_device(run_json):
    _, found = run_json("balance", "--stages", "2", "--repeats", "2", "--costs", "3", "1", "1", "1", "2")
    assert len(found["split"]) == 4
    assert sum(found["split"]) == 5


def test_the_decoder_is_weighed(run_json):
    code, found = run_json("balance", "--stages", "2", "--batch", "4", "--seq", "16")
    assert code == 0
    assert found["unit"] == "layers"
    assert [sum(row["counts"]) for row in found["splits"]] == [4, 4]
    assert found["parts"]["first"] > 0
    assert found["parts"]["last"] > 0


@pytest.mark.slow
def test_parts_are_timed_and_a_schedule_takes_their_costs(run, run_json, tmp_path):
    code, found = run_json(
        *("balance", "--stages", "2", "--batch", "8", "--seq", "32", "--measure", "--microbatches", "2", "4")
    )
    assert code == 0
    assert found["unit"] == "ms"
    assert [(entry["microbatches"], entry["rows"]) for entry in found["measured"]] == [(2, 4), (4, 2)]
    stage = {entry["microbatches"]: entry["stage_costs"] for entry in found["measured"]}
    assert stage[2]["forward"] > 0
    assert stage[2]["backward"] > stage[2]["forward"] / 2
    path = tmp_path / "costs.json"
    path.write_text(json.dumps(found), encoding="utf-8")
    shape = ("schedule", "--stages", "2", "--microbatches")
    _, told = run_json(*shape, "4", "--costs", str(path))
    work = stage[4]["forward"] + stage[4]["backward"] + stage[4]["weight"]
    assert told["seconds"] == pytest.approx((4 + 2 - 1) * work + 4 * stage[4]["head"])
    _, other = run_json(*shape, "4", "--costs", str(path), "--head", "0")
    assert other["seconds"] == pytest.approx((4 + 2 - 1) * work)
    for wrong in (("3",), ("2", "--stages", "3"), ("4", "--costs", str(tmp_path))):
        code, _, err = run(*shape, wrong[0], "--costs", str(path), *wrong[1:])
        assert code == 2
        assert "AXR602" in err


def test_microbatches_to_measure_divide_the_batch(run):
    code, _, err = run("balance", "--stages", "2", "--batch", "8", "--measure", "--microbatches", "3")
    assert code == 2
    assert "8 rows, which 3 microbatches" in err


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
