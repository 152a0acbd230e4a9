import pytest

from axisrules.diagnostics import CATALOG, page

TINY = ("--model", "tests.cli.tiny:model")


@pytest.mark.parametrize("code", ["AXR402", "axr402"])
def test_a_code_shows_its_page(run, code):
    assert run("explain", code)[:2] == (0, page("AXR402"))


def test_a_code_as_json(run_json):
    code, facts = run_json("explain", "AXR402")
    assert code == 0
    assert facts["title"] == CATALOG["AXR402"].title


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["AXR999"], "AXR"),
        (["fsdp"], "--rules fsdp"),
        ([], "nothing is named"),
        (["AXR402", "--rules", "fsdp"], "one of them"),
        (["--rules", "nope"], "AXR111"),
        (["--rules", "fsdp", "--mesh", "data=0"], "AXR201"),
        (["--rules", "fsdp", "--mesh", "fsdp=-1,data=3"], "AXR205"),
        (["--rules", "fsdp", "--optimizer", "adamq", *TINY], "did you mean `adam"),
        (["--rules", "fsdp", "--leaf", "embeding", *TINY], "AXR310"),
        (["--rules", "fsdp", "--model", "tests.cli.tiny"], "AXR309"),
        (["--rules", "fsdp", "--model", "tests.cli.tiny:with_loss_alone"], "no batch"),
    ],
)
def test_what_cannot_be_explained(run, arguments, said):
    code, out, err = run("explain", *arguments)
    assert code == 2
    assert out == ""
    assert said in err


def test_a_program_shows_leaves_totals_and_a_picture(run):
    code, out, _ = run("explain", "--rules", "fsdp", *TINY)
    assert code == 0
    for shown in ("embedding", "<head>", "[fsdp]", "optimizer", "one device", "┌"):
        assert shown in out


def test_a_leaf_shows_the_rule_with_file_and_line(run, table, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    path = table('batch = "data"\nseq = []\nvocab = []\nembed = "data"')
    code, out, _ = run("explain", "--rules", path, "--mesh", "data=8", "--leaf", "embedding", *TINY)
    assert code == 0
    assert f"embed = data at {path}:5;" in out


def test_a_table_that_fails_is_shown_with_its_errors(run_json, table):
    code, facts = run_json("explain", "--rules", table("batch = []\nvocab = []"), "--mesh", "data=8", *TINY)
    assert code == 1
    assert {found["code"] for found in facts["diagnostics"]} >= {"AXR301"}
    assert [leaf["path"] for leaf in facts["leaves"]][:2] == ["<head>", "embedding"]


def test_more_devices_than_this_machine_has(run_json):
    _, facts = run_json("explain", "--rules", "fsdp", "--devices", "16", *TINY)
    assert facts["mesh"] == {"fsdp": 16}


def test_html_goes_to_a_file_once(run, tmp_path):
    path = tmp_path / "plan.html"
    arguments = ("explain", "--rules", "fsdp", *TINY, "--html", str(path))
    assert run(*arguments)[:2] == (0, "")
    assert "&lt;head&gt;" in path.read_text(encoding="utf-8")
    code, _, err = run(*arguments)
    assert code == 2
    assert "AXR601" in err
    assert run(*arguments, "--force")[0] == 0


def test_a_refused_file_is_said_before_the_model_is_read(run, tmp_path):
    code, _, err = run("explain", "--rules", "fsdp", "--model", "no.such:model", "--html", str(tmp_path))
    assert code == 2
    assert "AXR601" in err
    assert "AXR309" not in err


@pytest.mark.parametrize("api", ["linen", "nnx"])
def test_the_built_in_decoder_needs_no_model(run_json, api):
    code, facts = run_json("explain", "--rules", "fsdp_tp_sp", "--api", api)
    assert code == 0
    assert facts["mesh"] == {"fsdp": 2, "tensor": 4}
    assert facts["totals"]["params"]["leaves"] >= 10
