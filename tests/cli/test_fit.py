import pytest

from axisrules.search import fitting
from tests.search.test_fitting import made_up_compare

SMALL = ("--batch", "64", "--seq", "16", "--rules", "dp", "fsdp")


@pytest.fixture
def compiled(monkeypatch):
    """The meshes that were compiled, by a compiler that needs so many times what the plan holds."""
    from axisrules.cli import searching

    monkeypatch.setattr(searching, "check_compiler", lambda _: None)
    seen = []
    monkeypatch.setattr(fitting, "compare", made_up_compare(seen, factor=2.0))
    return seen


def test_what_fits_and_on_how_few(run, run_json, compiled):
    code, out, _ = run("fit", *SMALL, "--target", "tpu:v5e:4x4")
    assert code == 0
    assert "fits on tpu:v5e:4x4 under dp, fsdp" in out
    assert "the smallest slice is tpu:v5e:1x1, 1 device" in out
    code, found = run_json("fit", *SMALL, "--target", "tpu:v5e:2x2")
    assert (code, found["fits"]) == (0, True)
    assert [row["rules"] for row in found["rows"]] == ["dp", "fsdp"]
    assert found["smallest"]["target"] == "tpu:v5e:1x1"


def test_what_does_not_fit_is_exit_code_1(run, compiled):
    code, out, _ = run("fit", *SMALL, "--target", "tpu:v5e:2x2", "--size", "7B", "--hbm", "0.5")
    assert code == 1
    assert "does not fit on tpu:v5e:2x2" in out
    assert "the smallest slice is" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--target", "local"), "AXR602"),
        (("--target", "tpu:v5e:2x2", "--hbm", "0"), "AXR602"),
        (("--target", "tpu:v5e:2x2", "--rules", "nope"), "AXR111"),
    ],
)
def test_questions_that_make_no_sense(run, arguments, said):
    code, out, err = run("fit", *SMALL[:4], *arguments)
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.slow
def test_the_real_compiler(run_json):
    code, found = run_json("fit", *SMALL[:4], "--rules", "dp", "--target", "tpu:v5e:1x1")
    assert (code, found["fits"]) == (0, True)
    assert found["rows"][0]["needed_bytes"] > found["rows"][0]["state_bytes"]
    assert found["smallest"]["target"] == "tpu:v5e:1x1"
