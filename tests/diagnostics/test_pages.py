"""Every code has a page, and the examples on it do what the page says.

A page shows one example under `## Fails` and its mend under `## Fixed`, in a block of TOML (a rule
table, linted with its own mesh), Python (run as it is) or `console` (commands of axisrules).
"""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from axisrules.diagnostics import CATALOG, AxisRulesError, Diagnostic, page
from axisrules.mesh import parse_mesh
from axisrules.resolve import Plan, lint_mesh, lint_table
from axisrules.rules import load_rules

PAGES = Path(page.__code__.co_filename).parent / "pages"
PROJECT = PAGES.parents[2]
SECTIONS = ("Why it matters", "Fails", "Fixed")
BLOCK = re.compile(r"^```(toml|python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def sections(code: str) -> dict[str, str]:
    head, *others = re.split(r"^## (.*)\n", page(code), flags=re.MULTILINE)
    return {"": head} | dict(zip(others[::2], others[1::2], strict=True))


def example(code: str, section: str) -> tuple[str, str]:
    blocks = BLOCK.findall(sections(code)[section])
    assert len(blocks) == 1, f"{code}: one example under `{section}`"
    return blocks[0]


def codes_of(diagnostics: Iterable[Diagnostic]) -> set[str]:
    """The errors' codes, or those of the warnings where nothing is an error; a note asks for no mending."""
    found = list(diagnostics)
    errors = {d.code for d in found if d.severity == "error"}
    return errors or {d.code for d in found if d.severity == "warning"}


def run(language: str, text: str) -> set[str]:
    """The codes that an example brings up; a bug in the example itself is raised."""
    try:
        return codes_of(RUNNERS[language](text))
    except AxisRulesError as error:
        return codes_of(error.diagnostics)


def run_toml(text: str) -> Iterator[Diagnostic]:
    Path("table.toml").write_text(text, encoding="utf-8")
    table = load_rules("table.toml")
    yield from lint_table(table)
    if table.mesh:
        yield from lint_mesh(table, parse_mesh(table.mesh))


def run_python(text: str) -> Iterator[Diagnostic]:
    names: dict[str, object] = {}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        exec(text, names)
    for value in names.values():
        if isinstance(value, Plan):
            yield from value.diagnostics
        elif isinstance(value, list):
            yield from (d for d in value if isinstance(d, Diagnostic))
    yield from reported_in("\n".join([printed.getvalue(), *(str(w.message) for w in warned)]))


def run_console(text: str) -> Iterator[Diagnostic]:
    """Each command in a process of its own: what stands before `axisrules` is its environment."""
    for line in text.splitlines():
        words = shlex.split(line.removeprefix("$ "))
        place = words.index("axisrules")
        environment = os.environ | {"PYTHONPATH": str(PROJECT)} | dict(w.split("=", 1) for w in words[:place])
        command = [sys.executable, "-m", *words[place:]]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        found = list(reported_in(done.stdout + done.stderr))
        assert (done.returncode == 0) == (not found), done.stderr
        yield from found


def reported_in(printed: str) -> Iterator[Diagnostic]:
    for code in re.findall(r"(?:error|warning)\[(AXR\d{3})\]", printed):
        yield CATALOG[code].at()


RUNNERS = {"toml": run_toml, "python": run_python, "console": run_console}


@pytest.fixture(autouse=True)
def own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("code", CATALOG)
def test_page_has_the_title_and_all_sections(code: str) -> None:
    title = page(code).splitlines()[0]
    assert title == f"# {code}: {CATALOG[code].title}"
    assert tuple(sections(code)) == ("", *SECTIONS)
    assert len(sections(code)[""].splitlines()) > 2, "it says what the code means"


@pytest.mark.parametrize("code", CATALOG)
def test_failing_example_brings_up_its_code_and_no_other(code: str) -> None:
    assert run(*example(code, "Fails")) == {code}


@pytest.mark.parametrize("code", CATALOG)
def test_fixed_example_is_fixed(code: str) -> None:
    assert run(*example(code, "Fixed")) == set()


def test_no_page_is_left_over() -> None:
    assert sorted(path.stem for path in PAGES.iterdir()) == sorted(CATALOG)


@pytest.mark.parametrize("code", CATALOG)
def test_page_reads_well_as_plain_text(code: str) -> None:
    text = page(code)
    assert max(map(len, text.splitlines())) <= 120
    assert text.isascii(), "a terminal of any encoding can show it"
    assert not re.search(r"<[a-z]|\]\(", text), "neither HTML nor links"
