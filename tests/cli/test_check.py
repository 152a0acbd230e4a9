import re
import sys

import pytest

from axisrules.rules import preset_names

COLLIDING = 'embed = ["fsdp", "fsdp"]\n"he ads" = "tensor"\nmlp = 3'


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_clean(run, name):
    code, out, err = run("check", name, "--strict")
    assert (code, err) == (0, "")
    assert "clean" in out


def test_every_finding_of_every_table_is_reported(run_json, table):
    code, report = run_json(
        "check",
        table(COLLIDING),
        table("embed = []\nembd = []", "other.toml"),
        table("mlp = 1.5", "third.toml"),
    )
    assert code == 1
    found = [[finding["code"] for finding in entry["findings"]] for entry in report["tables"]]
    assert found == [["AXR108", "AXR105", "AXR104"], [], ["AXR104"]]
    assert report["errors"] == 4


def test_findings_name_file_and_line(run, table):
    path = table("embed = []\nmlp = 3")
    _, out, _ = run("check", path)
    assert f"--> {path}:3  mlp = 3" in out


@pytest.mark.parametrize(("strict", "expected"), [([], 0), (["--strict"], 1)])
def test_warnings_fail_only_when_strict(run, table, strict, expected):
    code, out, _ = run("check", table('embed = { any = [[], "fsdp"] }'), *strict)
    assert code == expected
    assert "AXR109" in out


def test_a_mesh_is_held_against_the_table(run, table):
    code, out, _ = run("check", table('heads = "tensr"'), "--mesh", "data=2,tensor=4")
    assert code == 1
    assert "did you mean `tensor`?" in out
    assert "AXR207" in out


def test_the_table_s_own_mesh_counts(run, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('mesh = "data=two"\n[rules]\nbatch = "data"\n')
    code, out, _ = run("check", str(path))
    assert code == 1
    assert "AXR201" in out


def test_a_composition_is_checked_as_one(run, table):
    path = table('embed = { mesh = "tensor", before = "hedas" }')
    code, out, _ = run("check", f"fsdp+{path}")
    assert code == 1
    assert "AXR112" in out


def test_a_maxtext_file_is_a_table(run, tmp_path):
    path = tmp_path / "base.yml"
    path.write_text("logical_axis_rules: [['embed', 'fsdp'], ['heads', ['tensor', 'fsdp']]]\n")
    assert run("check", str(path))[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [["nope"], ["nope.toml"], ["fsdp", "--mesh", "data=x"], ["fsdp", "--mesh", "data=3", "--devices", "8"]],
)
def test_input_that_is_none(run, arguments):
    code, out, err = run("check", *arguments)
    assert code in (1, 2)
    assert "AXR" in out + err


def test_a_model_shows_what_the_table_lacks_and_what_it_could_lose(run_json, table):
    path = table('batch = "data"\nseq = []\nvocab = "data"\nheads = "data"')
    code, report = run_json("check", path, "--mesh", "data=8", "--model", "tests.cli.tiny:model")
    found = {finding["code"]: finding for finding in report["tables"][0]["findings"]}
    assert code == 1
    assert "`embed`" in found["AXR301"]["why"]
    assert "`heads`" in found["AXR109"]["why"]
    assert found["AXR109"]["severity"] == "note"


def test_a_pattern_that_no_path_matches(run_json, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[rules]\nbatch = []\nvocab = []\nembed = []\n[path."**/qeury"]\nembed = "data"\n')
    _, report = run_json("check", str(path), "--mesh", "data=8", "--model", "tests.cli.tiny:model")
    assert "AXR310" in [finding["code"] for finding in report["tables"][0]["findings"]]


@pytest.mark.parametrize(
    ("factory", "code", "said"),
    [
        ("failing", "AXR311", "the line to be shown"),
        ("raising", "AXR309", "lost"),
        ("gone", "AXR309", "gone"),
    ],
)
def test_the_user_s_own_error_at_the_user_s_own_line(run, factory, code, said):
    exit_code, _, err = run("check", "fsdp", "--model", f"tests.cli.tiny:{factory}")
    assert exit_code == 2
    assert code in err
    assert said in err
    assert "Traceback" not in err


def test_no_jax_and_no_rich_without_a_model(in_child, table):
    code = (
        "import sys\n"
        "from axisrules.cli import main\n"
        f"assert main(['check', 'fsdp', {table(COLLIDING)!r}, '--mesh', 'fsdp=8']) == 1\n"
        "print(sorted({'jax', 'flax', 'numpy', 'rich'} & set(sys.modules)))"
    )
    done = in_child("-c", code)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_in_a_terminal_the_words_are_the_same(run, monkeypatch, table):
    plain = run("check", table(COLLIDING))[1]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    coloured = run("check", table(COLLIDING))[1]
    assert coloured != plain
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == plain
