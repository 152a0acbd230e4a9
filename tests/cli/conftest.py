import json
import subprocess
import sys
from pathlib import Path

import pytest

from axisrules.cli import main

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def run(capsys):
    """`run("check", "fsdp")` in this process: (exit code, stdout, stderr)."""

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(arguments)
        except SystemExit as stopped:  # how argparse ends
            code = stopped.code
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


@pytest.fixture
def run_json(run):
    """The same with `--json`: (exit code, the values printed)."""

    def run_json(*arguments: str) -> tuple[int, dict]:
        code, out, _ = run(*arguments, "--json")
        return code, json.loads(out)

    return run_json


@pytest.fixture
def in_child():
    """A command in a process of its own, with more environment."""

    def in_child(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
        inherited = {"PATH": "", "PYTHONPATH": str(PROJECT)}
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, cwd=PROJECT, env=inherited | environment, check=False
        )

    return in_child


@pytest.fixture
def table(tmp_path):
    """A rule table in a file: `table("embed = []")`."""

    def table(rules: str, name: str = "mine.toml") -> str:
        path = tmp_path / name
        path.write_text(f"[rules]\n{rules}\n", encoding="utf-8")
        return str(path)

    return table
