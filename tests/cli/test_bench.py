import pytest

SMALL = ("--steps", "2", "--batch", "8", "--seq", "8")


def test_two_layouts_of_a_user_s_model_learn_alike(run_json):
    code, report = run_json("bench", "--rules", "dp", "fsdp", "--model", "tests.cli.tiny:model", *SMALL)
    assert code == 0
    assert [row["mesh"] for row in report["rows"]] == ["data=8", "fsdp=8"]
    assert report["is_equal"]
    assert report["rows"][0]["param_bytes"] == 8 * report["rows"][1]["param_bytes"]


def test_a_model_may_bring_its_own_loss_and_batch(run):
    code, out, _ = run("bench", "--rules", "dp", "--model", "tests.cli.tiny:with_batch", "--steps", "2")
    assert code == 0
    assert "loss 2" in out
    assert "its own batch" in out
    assert "tokens/s" in out  # of which nothing is known: its cell stays empty


def test_the_built_in_decoder_may_have_experts(run_json):
    code, report = run_json("explain", "--rules", "expert", "--experts", "4", "--leaf", "layers/mlp/gate")
    assert code == 0
    assert {tuple(leaf["shape"]) for leaf in report["leaves"]} == {(4, 4, 256, 1024)}
    assert report["leaves"][0]["spec"] == [[], ["expert"], [], []]


def test_a_layout_that_cannot_run_fails_the_bench(run):
    code, out, _ = run(
        "bench", "--rules", "dp", "fsdp", "--mesh", "data=8", "--model", "tests.cli.tiny:model", *SMALL
    )
    assert code == 1
    assert "fsdp did not run" in out
    assert "AXR206" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rules", "nope"], "AXR111"),
        (["--mesh", "data=0"], "AXR201"),
        (["--model", "tests.cli.tiny:with_shapes_only"], "AXR602"),
        (["--model", "tests.cli.tiny:with_loss_alone"], "AXR309"),
    ],
)
def test_what_cannot_be_measured(run, arguments, said):
    code, out, err = run("bench", *SMALL, *arguments)
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.slow
def test_described_targets_are_compared_by_the_model_and_local_ones_measured(run_json):
    code, shown = run_json(
        "bench", "--target", "local", "gpu:h100:1x8", "--rules", "dp", "fsdp", "--mesh", "data=2,fsdp=4",
        *SMALL,
    )  # fmt: skip
    assert code == 0
    bases = [(row["target"], row["step_basis"]) for row in shown["rows"]]
    assert bases == [("local", "measured")] * 2 + [("gpu:h100:1x8", "model")] * 2


@pytest.mark.slow
def test_a_layout_that_fails_is_a_row_beside_the_others(run):
    code, out, _ = run("bench", "--target", "gpu:h100:1x8", "--rules", "dp", "tp", "--mesh", "data=8", *SMALL)
    assert code == 1
    assert "AXR206" in out
    assert "dp is the fastest" in out
