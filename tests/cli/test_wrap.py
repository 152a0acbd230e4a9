import builtins
import json

import pytest

MODEL = "tests.cli.unnamed:model"


@pytest.fixture
def seeds(tmp_path):
    path = tmp_path / "axes.toml"
    path.write_text('[params]\n"table/embedding" = "vocab embed"\n"layers_0/up/kernel" = "embed mlp"\n')
    return str(path)


@pytest.fixture
def answer(monkeypatch):
    """What is typed, line by line; the questions are kept."""
    asked = []

    def answer(*lines):
        waiting = list(lines)

        def reply(question):
            asked.append(question)
            if not waiting:
                raise EOFError
            return waiting.pop(0)

        monkeypatch.setattr(builtins, "input", reply)
        return asked

    return answer


def test_the_classes_are_shown(run, seeds):
    code, out, _ = run("wrap", "--model", MODEL, "--seeds", seeds)
    assert code == 0
    rows = {line.split()[0]: line.split()[1:5] for line in out.splitlines()[1:4]}
    assert rows == {
        "embed": ["given", "32", "7", "7"],
        "mlp": ["given", "128", "6", "6"],
        "vocab": ["given", "256", "1", "1"],
    }


def test_json_has_every_array(run_json, seeds):
    _, report = run_json("wrap", "--model", MODEL, "--seeds", seeds)
    assert report["params"]["layers_1/up/kernel"]["names"] == ["embed", "mlp"]
    assert report["params"]["layers_1/up/kernel"]["from"] == ["strong", "strong"]
    assert report["activations"]["layers_1/up"]["names"] == ["batch", "seq", "mlp"]
    assert (report["unknown"], report["withheld"]) == ([], [])


def test_what_is_withheld_is_listed_with_its_bytes(run_json):
    _, report = run_json("wrap", "--model", MODEL)
    held = {entry["dim"]: entry["bytes"] for entry in report["withheld"]}
    assert held["table/embedding[0]"] == 256 * 32 * 4


def test_what_is_withheld_is_shown_with_what_it_costs_under_a_table(run, run_json):
    layout = ("--rules", "tp", "--mesh", "data=2,tensor=4")
    _, report = run_json("wrap", "--model", MODEL, *layout)
    table = next(entry for entry in report["withheld"] if entry["dim"] == "table/embedding[0]")
    assert table["bytes_per_device"] == table["bytes"] == 256 * 32 * 4
    assert table["bytes_per_device_confirmed"] == 64 * 32 * 4
    _, out, _ = run("wrap", "--model", MODEL, *layout)
    assert "per device under tp" in out
    assert "`embed`" not in out, "tp keeps embed whole, so that it costs nothing"


def test_a_mesh_alone_is_refused(run):
    code, _, err = run("wrap", "--model", MODEL, "--mesh", "data=8")
    assert code == 2
    assert "AXR602" in err


def test_check_says_what_is_withheld_under_each_table(run, run_json, tmp_path):
    path = tmp_path / "axes.toml"
    path.write_text('[batch]\n"inputs" = "batch seq"\n')
    args = ("--mesh", "data=2,fsdp=2,tensor=2", "--model", MODEL, "--seeds", str(path))
    _, report = run_json("check", "fsdp_tp", "dp", *args)
    held = [[f for f in entry["findings"] if f["code"] == "AXR323"] for entry in report["tables"]]
    assert [len(found) for found in held] == [3, 0]
    vocab = next(found for found in held[0] if "`vocab`" in found["why"])
    assert "at 32,768 bytes per device where the name confirmed makes it 16,384" in vocab["why"]
    assert run("check", "fsdp_tp", *args, "--strict")[0] == 1


def test_check_takes_no_seeds_without_a_model(run, seeds):
    code, _, err = run("check", "fsdp", "--seeds", seeds)
    assert code == 2
    assert "AXR602" in err


def test_strict_fails_until_all_is_settled(run, seeds):
    assert run("wrap", "--model", MODEL, "--strict")[0] == 1
    assert run("wrap", "--model", MODEL, "--seeds", seeds, "--strict")[0] == 0


def test_questions_are_asked_until_nothing_is_open(run, answer, tmp_path):
    path = tmp_path / "mine.toml"
    asked = answer("features", "hidden", "classes")
    code, out, _ = run("wrap", "--model", "tests.cli.unnamed:vision", "-i", "--output", str(path))
    assert code == 0
    assert len(asked) == 3
    assert "settles" in out
    assert run("wrap", "--model", "tests.cli.unnamed:vision", "--seeds", str(path), "--strict")[0] == 0


def test_a_guess_is_taken_by_pressing_return(run, answer, tmp_path):
    path = tmp_path / "mine.toml"
    answer("", "", "")
    run("wrap", "--model", MODEL, "-i", "--output", str(path))
    assert run("wrap", "--model", MODEL, "--seeds", str(path), "--strict")[0] == 0


def test_an_answer_that_cannot_be_is_told_and_asked_again(run, answer, tmp_path):
    asked = answer("he ads!", "embed")
    run("wrap", "--model", MODEL, "-i", "--output", str(tmp_path / "mine.toml"))
    assert asked[0] == asked[1]


def test_who_stops_answering_keeps_what_was_settled(run, answer, tmp_path):
    path = tmp_path / "mine.toml"
    answer("embed")
    assert run("wrap", "--model", MODEL, "-i", "--output", str(path))[0] == 0
    assert "embed" in path.read_text()


def test_a_file_in_the_way_is_kept_and_nothing_is_asked(run, answer, seeds):
    asked = answer()
    code, _, err = run("wrap", "--model", MODEL, "-i", "--output", seeds)
    assert code == 2
    assert "AXR601" in err
    assert asked == []


@pytest.mark.parametrize(
    ("form", "start"), [("toml", "[batch]"), ("flax", "--- a/unnamed.py"), ("pytree", "{")]
)
def test_exports(run, seeds, form, start):
    code, out, _ = run("wrap", "--model", MODEL, "--seeds", seeds, "--export", form)
    assert code == 0
    assert start in out
    if form == "pytree":
        assert json.loads(out)["table"]["embedding"] == ["vocab", "embed"]


@pytest.mark.parametrize(
    ("factory", "code"),
    [
        ("concrete", "AXR311"),
        ("needs_arguments", "AXR309"),
        ("number", "AXR309"),
        ("missing", "AXR309"),
    ],
)
def test_models_that_cannot_be_wrapped(run, factory, code):
    exit_code, _, err = run("wrap", "--model", f"tests.cli.unnamed:{factory}")
    assert exit_code == 2
    assert code in err


def test_seeds_are_taken_by_the_other_commands(run, run_json, seeds):
    assert run("check", "tp", "--model", MODEL, "--seeds", seeds, "--strict")[0] == 0
    code, report = run_json("explain", "--rules", "tp", "--model", MODEL, "--seeds", seeds)
    assert code == 0
    assert "layers_0/up/kernel" in json.dumps(report)
    assert run("diff", "dp", "tp", "--model", MODEL, "--seeds", seeds)[0] == 0


def test_seeds_with_a_mistake_stop_the_other_commands(run, tmp_path):
    path = tmp_path / "axes.toml"
    path.write_text('[params]\n"tabel/embedding" = "vocab embed"\n')
    code, _, err = run("check", "tp", "--model", MODEL, "--seeds", str(path))
    assert code == 2
    assert f"{path}:2" in err
    assert "table/embedding" in err


@pytest.mark.slow
def test_a_wrapped_model_is_benched(run_json, seeds):
    code, report = run_json(
        "bench", "--model", MODEL, "--seeds", seeds, "--rules", "dp", "fsdp", "--steps", "2", "--seq", "16"
    )
    assert code == 0
    assert len(report["rows"]) == 2
