"""`axisrules schedule`: pictures and comparisons, judged by the schedule's own tasks."""

from xml.etree import ElementTree as ET

import pytest

from axisrules.schedules import make_schedule

SVG = "{http://www.w3.org/2000/svg}"


def test_a_schedule_is_drawn_task_by_task(run):
    code, out, _ = run("schedule", "--stages", "2", "--microbatches", "3")
    assert code == 0
    header, first, second = out.splitlines()[2:5]
    assert "warning[AXR760]" in out, "a bubble of a quarter"
    assert header.split() == ["F", "F", "B", "F", "B", "F", "B", "B"]
    assert first.split() == ["device", "0", "0", "1", "·", "2", "0", "·", "1", "2"]
    assert second.split() == ["device", "1", "·", "0", "0", "1", "1", "2", "2", "·"]


def test_a_long_schedule_is_cut_at_the_width(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    _, out, _ = run("schedule", "--stages", "4", "--microbatches", "64")
    assert max(map(len, out.splitlines())) <= 60
    assert "more ticks" in out


def test_the_picture_has_a_box_per_task(run, tmp_path):
    path = tmp_path / "schedule.svg"
    arguments = ("--stages", "4", "--microbatches", "8", "--schedule", "interleaved", "--repeats", "2")
    assert run("schedule", *arguments, "--svg", str(path))[:2] == (0, "")
    drawing = ET.fromstring(path.read_text(encoding="utf-8"))
    boxes = [box for box in drawing.iter(f"{SVG}rect") if box.get("rx")]
    assert len(boxes) == len(make_schedule("interleaved", 4, 8, 2).tasks)
    assert "7b" in {text.text for text in drawing.iter(f"{SVG}text")}
    assert run("schedule", *arguments, "--svg", str(path))[0] == 2, "a file in the way is kept"


def test_schedules_and_microbatches_are_compared(run_json):
    code, found = run_json(
        *("schedule", "--stages", "4", "--microbatches", "4", "16"),
        *("--schedule", "gpipe", "1f1b", "interleaved", "--repeats", "2"),
    )
    rows = {(row["name"], row["microbatches"]): row for row in found["schedules"]}
    assert code == 0
    assert len(rows) == 6
    assert rows["gpipe", 16]["peak_live"] == 16
    assert rows["1f1b", 16]["peak_live"] == 7
    assert rows["interleaved", 16]["bubble"] < rows["1f1b", 16]["bubble"] < rows["1f1b", 4]["bubble"]


def test_costs_set_the_time(run_json):
    shape = ("schedule", "--stages", "2", "--microbatches", "4")
    assert run_json(*shape)[1]["seconds"] == 5 * 4
    assert run_json(*shape, "--forward", "2", "--per-tick", "0.5")[1]["seconds"] == 5 * 5 + 10 * 0.5


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--schedule", "1fib"), "AXR750"),
        (("--schedule", "1f1b", "--repeats", "2"), "AXR751"),
        (("--schedule", "1f1b", "gpipe", "--svg", "both.svg"), "AXR602"),
    ],
)
def test_what_makes_no_sense_is_refused(run, arguments, code):
    exit_code, _, err = run("schedule", "--stages", "4", "--microbatches", "6", *arguments)
    assert exit_code == 2
    assert code in err


def test_costs_are_numbers_from_zero(run):
    for bad in ("-1", "inf", "much"):
        assert run("schedule", "--stages", "2", "--microbatches", "2", "--forward", bad)[0] == 2


def test_a_file_without_measured_costs_is_refused(run, tmp_path):
    path = tmp_path / "costs.json"
    for text in ("", "{}", '{"stages": 2, "measured": []}', "[1]"):
        path.write_text(text, encoding="utf-8")
        code, _, err = run("schedule", "--stages", "2", "--microbatches", "2", "--costs", str(path))
        assert code == 2
        assert "AXR602" in err


def test_devices_of_unlike_cost_wait_for_the_dearest(run_json):
    shape = ("schedule", "--stages", "2", "--microbatches", "4")
    even, uneven = (run_json(*shape, "--imbalance", value)[1] for value in ("0", "0.25"))
    assert even["seconds"] == uneven["seconds"]
    assert 1 - uneven["bubble"] == pytest.approx((1 - even["bubble"]) / 1.25)
