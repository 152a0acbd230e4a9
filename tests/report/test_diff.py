import json

from axisrules import explain
from axisrules.resolve import diff_plans
from tests.report.conftest import plan_of

DP = ("dp", "data=8")
FSDP = ("fsdp", "fsdp=8")


def test_changes_show_both_layouts_and_what_moves():
    shown = str(explain(diff_plans(plan_of(*FSDP), plan_of(*DP))))
    assert "- vocab=256 embed=64[fsdp]" in shown
    assert "+ vocab=256 embed=64" in shown
    assert "moves 448 KiB" in shown  # 7 of 8 parts of 64 KiB reach each of 8 devices
    assert "8 leaves change as the params that they follow" in shown


def test_json_counts_the_bytes_of_the_diff():
    diff = diff_plans(plan_of(*FSDP), plan_of(*DP))
    facts = json.loads(json.dumps(explain(diff).to_json()))
    assert (
        sum(change["moved_bytes"] for change in facts["changes"]) == facts["moved_bytes"] == diff.moved_bytes
    )
    assert facts["bytes_per_device"]["params"]["after"] == 8 * facts["bytes_per_device"]["params"]["before"]


def test_equal_plans_differ_in_nothing():
    shown = str(explain(diff_plans(plan_of(*DP), plan_of(*DP))))
    assert "no leaf changes" in shown


def test_html_has_the_memory_of_both():
    html = explain(diff_plans(plan_of(*FSDP), plan_of(*DP)))._repr_html_()
    assert "+700.0%" in html
    assert "gradients: 4 leaves change as the params that they follow" in html
    assert "embedding" in html
