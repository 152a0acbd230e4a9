"""`axisrules audit`: arrays as planned, findings with codes, an exit code for CI."""

import pytest

TINY = ("--batch", "8", "--seq", "16")


@pytest.mark.slow
def test_a_plan_that_xla_kept(run_json):
    code, shown = run_json("audit", "--rules", "dp", "--mesh", "data=8", "--target", "gpu:h100:1x8", *TINY)
    assert code == 0
    assert {array["is_as_planned"] for array in shown["arrays"]} == {True}
    assert {array["place"] for array in shown["arrays"]} == {"argument", "result", "activation"}


@pytest.mark.slow
def test_warnings_fail_when_asked_to(run):
    asked = ("audit", "--rules", "dp", "--mesh", "data=4,idle=2", "--target", "gpu:h100:1x8", *TINY)
    code, out, _ = run(*asked)
    assert code == 0
    assert "AXR717" in out
    assert run(*asked, "--strict")[0] == 1


@pytest.mark.slow
def test_the_list_of_all_arrays(run):
    asked = ("audit", "--rules", "dp", "--mesh", "data=8", "--target", "gpu:h100:1x8")
    code, out, _ = run(*asked, "--all", *TINY)
    assert code == 0
    assert "layers/mlp/up" in out


def test_a_layout_that_cannot_be_planned(run):
    code, out, _ = run("audit", "--rules", "fsdp", "--mesh", "fsdp=5", "--target", "tpu:v5e:2x4", *TINY)
    assert code == 1
    assert "AXR205" in out
