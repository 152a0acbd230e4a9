"""Every code block of the documentation runs, in the order of its page.

A page's Python blocks share one namespace and one empty working directory. A block whose first line is a
comment with a file name (`# mine.toml`) is also saved there, so that later blocks can use it. `>>>` prompts
and `$ axisrules` commands are compared with the output that the page shows; `...` stands for any text.
"""

import contextlib
import doctest
import io
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

from axisrules.rules import read_maxtext_rules, read_rules

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "pages").rglob("*.md"))]
TRAINING_PAGES = {"README", "quick_start", "training", "pipelines"}
# Shown, never run: plain text, and what is typed into a shell before axisrules is there.
NOT_RUN = {"text", "bash", "sh"}
RUN = {"python", "toml", "yaml", "console"}

FENCE = re.compile(r"^ *```(.*)$", re.MULTILINE)
FILE_NAME = re.compile(r"# ([\w-]+\.(?:py|toml|ya?ml))\n")
RULE_TABLE_KEYS = re.compile(r"^(rules =|\[rules\]|\[kind\.|\[path\.|\[policy\])", re.MULTILINE)


def run_page(page: Path) -> None:
    for example in SYBIL.parse(page):
        if isinstance(example.parsed, str) and FILE_NAME.match(example.parsed):
            save(example, "")
        example.evaluate()


def run_toml(example: Example) -> None:
    """A rule table that parses; other TOML has no rules and is only saved."""
    saved = save(example, "table.toml")
    if RULE_TABLE_KEYS.search(example.parsed):
        read_rules(saved)


def run_yaml(example: Example) -> None:
    read_maxtext_rules(save(example, "rules.yml"))


def run_console(example: Example) -> str | None:
    """Each `$ axisrules ...` in turn: what it prints, and exit code 0 unless `$ echo $?` shows another."""
    code, problems = 0, []
    for block in re.split(r"^\$ ", example.parsed, flags=re.MULTILINE)[1:]:
        command, _, wanted = block.partition("\n")
        program, *arguments = shlex.split(command, comments=True)
        if program == "echo":
            printed, code = f"{code}\n", 0
        else:
            assert program == "axisrules", f"`{command}`: only axisrules runs in a console block"
            if code:
                problems.append(f"exit code {code} before `{command}`, which the page does not show")
            code, printed = run_command(arguments)
        if wanted.strip() and not agrees(wanted, printed):
            problems.append(f"$ {command}\n--- wanted\n{wanted}\n--- printed\n{printed}")
    if code:
        problems.append(f"the last command ended with exit code {code}: {printed}")
    return "\n".join(problems)


def run_command(arguments: list[str]) -> tuple[int, str]:
    from axisrules.cli import main

    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            code = main(arguments)
        except SystemExit as stop:  # argparse, after --help and --version
            code = int(stop.code or 0)
    return code, output.getvalue()


def agrees(wanted: str, printed: str) -> bool:
    """Whether the two are alike but for blanks at the ends of lines and what `...` stands for."""
    tidy = [re.sub(r"[ \t]+$", "", text.strip("\n"), flags=re.MULTILINE) + "\n" for text in (wanted, printed)]
    return doctest.OutputChecker().check_output(*tidy, doctest.ELLIPSIS)


def save(example: Example, unnamed: str) -> Path:
    named = FILE_NAME.match(example.parsed)
    path = Path(named[1] if named else unnamed)
    path.write_text(example.parsed, encoding="utf-8")
    return path


SYBIL = Sybil(
    parsers=[
        PythonCodeBlockParser(doctest_optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE),
        CodeBlockParser("toml", run_toml),
        CodeBlockParser("yaml", run_yaml),
        CodeBlockParser("console", run_console),
        SkipParser(),
    ],
)


@pytest.fixture
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A working directory of its own for the page, whose modules are forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COLUMNS", "88")
    yield
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def page_id(page: Path) -> str:
    return page.relative_to(ROOT).with_suffix("").as_posix().removeprefix("docs/pages/")


@pytest.mark.parametrize(
    "page",
    [pytest.param(p, marks=pytest.mark.slow) if p.stem in TRAINING_PAGES else p for p in PAGES],
    ids=page_id,
)
@pytest.mark.usefixtures("empty_directory")
def test_code_blocks_run(page: Path) -> None:
    run_page(page)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_block_says_what_it_is(page: Path) -> None:
    fences = FENCE.findall(page.read_text(encoding="utf-8"))
    assert set(fences[::2]) <= RUN | NOT_RUN, "a language that the tests know, and nothing after it"
    assert set(fences[1::2]) <= {""}, "blocks close"


def test_a_wrong_page_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The referee is awake: each kind of block is seen to fail."""
    monkeypatch.chdir(tmp_path)
    page = Path("page.md")
    for block in (
        "```python\n>>> 1 + 1\n3\n```\n",
        "```python\nraise ValueError\n```\n",
        "```toml\n[rules]\nembed = 3\n```\n",
        "```console\n$ axisrules presets no_such_table\n```\n",
        "```console\n$ axisrules --version\nsome other version\n```\n",
    ):
        page.write_text(block, encoding="utf-8")
        with pytest.raises((AssertionError, ValueError)):
            run_page(page)
