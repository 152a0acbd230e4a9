"""`axisrules advise`: as text and JSON, strict or not; wrong arguments are said at once."""

import pytest

TINY = ("--batch", "8", "--seq", "16")
TP = ("advise", "--rules", "tp", "--mesh", "tensor=4", "--target", "tpu:v5e:2x2", *TINY)


@pytest.mark.slow
def test_what_was_tried_and_what_holds(run, run_json):
    code, shown = run_json(*TP)
    assert code == 0
    tried = {one["code"]: one for one in shown["advice"]}
    assert {"AXR920", "AXR921", "AXR926"} <= set(tried)
    assert tried["AXR920"]["trials"][0]["lines"] == ['mesh = "data=4,tensor=1"']
    fired = {found["code"] for found in shown["diagnostics"]}
    assert fired == {one["code"] for one in shown["advice"] if one["fires"]}
    strict, out, err = run(*TP, "--strict")
    assert (strict, err) == (int(bool(fired)), "")
    assert all(f"warning[{one}]" in out for one in fired)


@pytest.mark.slow
def test_a_table_with_nothing_to_change(run):
    code, out, _ = run("advise", "--rules", "dp", "--target", "gpu:h100:1x2", "--strict", *TINY)
    assert code == 0
    assert "nothing to try" in out


def test_without_a_compiler_the_exit_code_says_so(run, monkeypatch):
    monkeypatch.setattr("axisrules.evidence.comparison.installed_versions", lambda: {"jax": "0.10.2"})
    code, out, _ = run(*TP)
    assert code == 1
    assert "AXR803" in out
    assert "for want of evidence" in out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--rules", "tp"), "AXR602"),
        (("--rules", "tp", "--target", "tpu:v5e"), "AXR801"),
        (("--rules", "no_such", "--target", "tpu:v5e:2x2"), "AXR111"),
        (("--rules", "tp", "--mesh", "tensor=3", "--target", "tpu:v5e:2x2"), "AXR205"),
        (("--target", "tpu:v5e:2x2"), "--rules"),
    ],
)
def test_arguments_that_make_no_sense(run, arguments, expected):
    code, _, err = run("advise", *arguments, *TINY)
    assert code == 2
    assert expected in err
