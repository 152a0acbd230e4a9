"""The command with made-up numbers in most tests, and once with the real compiler."""

import json
from pathlib import Path

import pytest

from axisrules.analysis import CostTerm
from axisrules.cli import searching
from axisrules.rules import load_rules
from axisrules.search import Scored
from tests.search.costs import cost

SMALL = ("--batch", "8", "--seq", "16", "--target", "tpu:v5e:2x2")
FEW = (*SMALL, "--mesh", "fsdp=*,tensor=*", "--compiles", "8")


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """The candidates compiled so far by a compiler that makes numbers up; `limit` of them interrupt it."""
    monkeypatch.setenv("AXISRULES_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    seen = []

    def scorer(_space, candidates, how, _tell):
        for one in candidates:
            if len(seen) == scorer.limit:
                raise KeyboardInterrupt
            seen.append((one, how.mode))
            terms = (CostTerm("ICI", ("tensor",), 0.1, 0.1),)
            size = scorer.needed
            yield Scored(one, cost(one), size, 16 * 2**30, 2**20, 2**21, 2**10, terms=terms, mode=how.mode)

    scorer.limit, scorer.needed = None, 2**30
    scorer.seen = seen
    monkeypatch.setattr(searching, "score", scorer)
    monkeypatch.setattr(searching, "check_compiler", lambda _: None)
    return scorer


def test_a_table_is_written_that_other_commands_take(run, asked):
    code, out, err = run("search", *FEW, "-o", "best.toml")
    assert code == 0
    assert "is the best found" in out
    assert "written to best.toml" in out
    assert "first " in err
    assert "state " in err.splitlines()[0], "the first candidate is shown with its bounds"
    assert "best so far" in err
    assert len({one for one, mode in asked.seen if mode == "fast"}) == 8
    table = load_rules("best.toml")
    assert table.doc.startswith("Found by search for tpu:v5e:2x2")
    code, out, _ = run("explain", "--rules", "best.toml", "--batch", "8", "--seq", "16")
    assert (code, table.mesh.replace(",", ", ") in out) == (0, True)


def test_json_is_one_document(run_json, asked):
    code, found = run_json("search", *FEW, "--hbm", "0.5")
    assert code == 0
    assert found["target"] == "tpu:v5e:2x2"
    assert found["space"]["compiled"] == 8
    assert found["ranking"][0]["layout"] == found["best"]["layout"]
    assert found["reasons"]


def test_an_interrupted_search_keeps_its_best_and_goes_on(run, asked):
    asked.limit = 5
    code, out, _ = run("search", *FEW, "-o", "best.toml")
    assert code == 130
    assert "interrupted; the same command goes on where it was" in out
    written = Path("best.toml").read_text()
    assert written
    first = list(asked.seen)
    asked.limit = None
    code, out, _ = run("search", *FEW, "-o", "best.toml")
    assert code == 0, "its own file may be written again without --force"
    again = asked.seen[len(first) :]
    assert not set(first) & set(again)
    assert len({one for one, mode in asked.seen if mode == "fast"}) == 8
    asked.seen.clear()
    code, *_ = run("search", *FEW)
    assert (code, asked.seen) == (0, []), "all of it is known by now"
    run("search", *FEW, "--fresh")
    assert len(asked.seen) == 8 + 3


def test_a_file_of_somebody_else_s_is_left_alone(run, asked):
    Path("best.toml").write_text('mesh = "data=4"\n\n[rules]\nbatch = "data"\n')
    before = Path("best.toml").read_text()
    code, out, err = run("search", *FEW, "-o", "best.toml")
    assert (code, out) == (2, "")
    assert "AXR601" in err
    assert Path("best.toml").read_text() == before
    code, *_ = run("search", *FEW, "-o", "best.toml", "--force")
    assert code == 0
    Path("notes.txt").write_text("mine")
    code, _, err = run("search", *FEW, "--journal", "notes.txt")
    assert (code, Path("notes.txt").read_text()) == (2, "mine")
    assert "it is no journal" in err


def test_a_journal_of_another_search_is_a_warning(run, asked):
    Path("old.jsonl").write_text('{"axisrules search": 0, "key": "old"}\n')
    code, out, _ = run("search", *FEW, "--journal", "old.jsonl")
    assert code == 0
    assert "warning[AXR906]" in out
    assert len(Path("old.jsonl").read_text().splitlines()) > 8


def test_a_cache_that_takes_nothing_is_a_warning(run, asked, monkeypatch):
    Path("file").write_text("")
    monkeypatch.setenv("AXISRULES_CACHE", "file")
    code, _, err = run("search", *FEW)
    assert code == 0
    assert "warning[AXR809]" in err


def test_nothing_that_fits(run, asked):
    asked.needed = 40 * 2**30
    code, out, _ = run("search", *FEW, "-o", "best.toml")
    assert code == 1
    assert "error[AXR905]" in out
    assert "--target tpu:v5e:4x4" in out, "16 chips hold what is 2.5 times too much for four"
    assert not Path("best.toml").exists()


def test_a_table_to_begin_with_comes_first_and_what_changes_is_shown(run, asked):
    Path("mine.toml").write_text("[rules]\nembed = []\n")
    code, _, err = run("search", *FEW, "--start", "mine.toml")
    assert (code, "AXR907" in err) == (2, True)
    code, out, _ = run("search", *FEW, "--start", "fsdp")
    assert code == 0
    first, _ = asked.seen[0]
    assert str(first) == "fsdp=4"
    assert "fsdp, one of the layouts searched, takes" in out
    assert "moves" in out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--fix", "sequence=tensor"), "AXR902"),
        (("--mesh", "tensr=2"), "AXR902"),
        (("--hbm", "1.5"), "AXR902"),
        (("--fix", "seq=tensor", "--forbid", "seq=*"), "AXR903"),
        (("--mesh", "tensor=3"), "AXR904"),
        (("--target", "tpu:v5e:3x3"), "AXR802"),
    ],
)
def test_constraints_that_make_no_sense(run, asked, arguments, code):
    found, out, err = run("search", *SMALL, *arguments)
    assert (found, out) == (2, "")
    assert code in err


def test_the_page_is_written(run, asked):
    code, out, _ = run("search", *FEW, "--html", "search.html")
    assert (code, out) == (0, "")
    assert "axisrules search" in Path("search.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_real_compiler(run, tmp_path):
    best = tmp_path / "best.toml"
    code, out, _ = run(
        "search", *SMALL, "--mesh", "data=*,fsdp=*", "--compiles", "2", "--full-finalists", "1", "--json",
        "-o", str(best),
    )  # fmt: skip
    assert code == 0
    found = json.loads(out)
    assert found["space"]["compiled"] == 2
    assert found["best"]["step_basis"] == "full"
    assert 0 < found["best"]["needed_bytes"] < found["best"]["hbm_bytes"]
    assert load_rules(best).mesh in ("data=4", "fsdp=4", "data=2,fsdp=2")


@pytest.mark.slow
def test_local_layouts_are_really_run(run_json):
    code, found = run_json(
        "search", "--target", "local", "--model", "tests.cli.tiny:model", "--batch", "16", "--seq", "8",
        "--compiles", "2", "--full-finalists", "1", "--steps", "4", "--fresh",
    )  # fmt: skip
    assert code == 0
    assert found["target"] == "local (8 devices)"
    assert found["space"]["compiled"] == 2
    assert {one["step_basis"] for one in found["ranking"]} == {"measured"}
    assert all(one["step_seconds"] > 0 for one in found["ranking"])
