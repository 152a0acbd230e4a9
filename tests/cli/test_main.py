import subprocess
import sys

import pytest

import axisrules
from axisrules.cli import check
from axisrules.cli.main import COMMANDS


def test_without_arguments_the_help_is_shown(run):
    code, out, _ = run()
    assert code == 0
    assert all(name in out for name in COMMANDS)


def test_version(run):
    assert run("--version")[:2] == (0, f"axisrules {axisrules.__version__}\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(run, command):
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"  axisrules {command}" in out
    assert "--json" in out


@pytest.mark.parametrize(
    "arguments", [["chek", "fsdp"], ["check"], ["check", "fsdp", "--mehs", "a=2"], ["bench", "--steps", "0"]]
)
def test_arguments_that_make_no_sense(run, arguments):
    code, out, err = run(*arguments)
    assert code == 2
    assert out == ""
    assert "usage:" in err


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [(KeyboardInterrupt, 130, "interrupted"), (RuntimeError("ours"), 70, "Traceback")],
)
def test_what_stops_a_command_has_its_own_code(run, monkeypatch, raised, code, said):
    def stop(_):
        raise raised

    monkeypatch.setattr(check, "run", stop)
    got, _, err = run("check", "fsdp")
    assert got == code
    assert said in err


def test_a_closed_pipe_is_no_error():
    command = [sys.executable, "-m", "axisrules", "presets", "fsdp"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        child.stdout.close()
        assert child.stderr.read() == ""
        child.wait()
    assert child.returncode == 141
