import pytest

TINY = ("--model", "tests.cli.tiny:model")


def test_what_changes_and_what_moves(run_json):
    code, facts = run_json("diff", "fsdp", "dp", *TINY)
    assert code == 0
    params = [change for change in facts["changes"] if change["kind"] == "params"]
    assert [change["path"] for change in params] == ["<head>", "embedding"]
    # Seven of eight parts of 16 KiB reach each of eight devices.
    assert {change["moved_bytes"] for change in params} == {7 * 256 * 16 * 4}
    assert facts["bytes_per_device"]["params"] == {"before": 2 * 256 * 16 * 4 // 8, "after": 2 * 256 * 16 * 4}


def test_the_same_table_changes_nothing(run):
    code, out, _ = run("diff", "fsdp", "fsdp", *TINY)
    assert code == 0
    assert "no leaf changes" in out


def test_one_table_on_two_meshes(run_json):
    _, facts = run_json(
        "diff", "tp", "tp", "--mesh", "data=2,tensor=4", "--mesh-after", "data=4,tensor=2", *TINY
    )
    assert facts["before"]["mesh"] == {"data": 2, "tensor": 4}
    assert facts["after"]["mesh"] == {"data": 4, "tensor": 2}
    assert facts["moved_bytes"] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fsdp", "nope"], "AXR111"),
        (["fsdp", "dp", "--mesh", "fsdp=8,data=1", "--mesh-after", "data=4"], "AXR602"),
        (["fsdp", "dp", "--model", "tests.cli.tiny:failing"], "AXR311"),
    ],
)
def test_what_cannot_be_compared(run, arguments, said):
    code, out, err = run("diff", *arguments)
    assert (code, out) == (2, "")
    assert said in err


def test_a_table_that_fails_is_shown_with_its_errors(run, table):
    code, out, _ = run("diff", "dp", table("batch = []\nvocab = []"), "--mesh", "data=8", *TINY)
    assert code == 1
    assert "AXR301" in out
