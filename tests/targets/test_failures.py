"""Compilers that crash, hang, print without end or find no room: played by other programs in their place."""

import os
import threading
import time
from pathlib import Path
from textwrap import indent

import pytest

from axisrules.diagnostics import AxisRulesError
from axisrules.mesh import parse_mesh, parse_target
from axisrules.targets import CompileFailure, CompileJob, compile_many, compile_step, process
from axisrules.targets.environment import worker_environment
from axisrules.targets.failures import failure_of
from axisrules.targets.handover import WorkerResult
from axisrules.targets.process import Ended
from axisrules.targets.shortage import find_shortfall, is_shortage

JOB = CompileJob(b"program", parse_target("tpu:v5e:2x2"), parse_mesh("data=4"))


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Puts a function of that text in the compiler's place."""

    def write(text, before_serving=""):
        played = (
            "import os, signal, socket, sys, time\n"
            f"{before_serving}\n"
            "from axisrules.targets.fork_server import serve\n"
            f"def compile_folder(folder):\n{indent(text, '    ')}\n"
            "serve(socket.socket(fileno=int(sys.argv[1])), compile_folder)\n"
        )
        (tmp_path / "played_compiler.py").write_text(played, encoding="utf-8")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(process, "FORK_SERVER", "played_compiler")

    return write


def failure(**options):
    (outcome,) = [outcome for _, outcome in compile_many([JOB], cache=False, **options)]
    assert isinstance(outcome, CompileFailure)
    return outcome


@pytest.mark.parametrize(
    ("text", "code", "why"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "AXR805", "SIGSEGV"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "AXR805", "SIGKILL"),
        ("os.abort()", "AXR805", "SIGABRT"),
        ("os._exit(3)", "AXR805", "status 3"),
        ("os._exit(0)", "AXR805", "no result"),
        ("raise ImportError('no such thing')", "AXR805", "no such thing"),
        ("raise ValueError('\\x1b[31mred')", "AXR805", r"\x1b[31mred"),
        ("print('dump: No space left on device', flush=True)", "AXR807", "No space left"),
        ("open(folder / 'result.json', 'w').write('{')", "AXR805", "no result"),
    ],
)
def test_each_end_has_a_code_and_says_how(play, text, code, why):
    play(text)
    found = failure()
    assert found.diagnostic.code == code
    assert why in found.diagnostic.why
    with pytest.raises(AxisRulesError):
        compile_step(JOB, cache=False)


def test_one_server_forks_all_compilers(play, tmp_path):
    seen = tmp_path / "seen"
    play(f"print(os.getppid(), os.getpid(), file=open({str(seen)!r}, 'a'), flush=True)")
    for _ in range(2):
        assert "no result" in failure().diagnostic.why
    (server, one), (same, other) = (line.split() for line in seen.read_text().splitlines())
    assert server == same
    assert one != other


def test_another_server_comes_when_one_is_gone(play, tmp_path):
    seen = tmp_path / "seen"
    note = f"print(os.getppid(), file=open({str(seen)!r}, 'a'), flush=True)"
    play(f"{note}\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(0.5)")
    for _ in range(2):
        assert failure().diagnostic.why.endswith("SIGKILL")
    assert len(set(seen.read_text().split())) == 2


def test_a_server_that_cannot_start_says_why(tmp_path, monkeypatch):
    (tmp_path / "played_compiler.py").write_text("import no_such_module", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(process, "FORK_SERVER", "played_compiler")
    found = failure().diagnostic
    assert found.code == "AXR805"
    assert "No module named 'no_such_module'" in found.why


def test_a_killed_compiler_is_told_of_the_memory_of_this_machine(play):
    play("os.kill(os.getpid(), signal.SIGKILL)")
    assert "memory" in failure().diagnostic.fix


def test_a_late_compiler_is_ended_with_its_children(play, tmp_path):
    beat = tmp_path / "beat"
    play(f"os.fork()\nwhile True:\n    open({str(beat)!r}, 'a').write('x')\n    time.sleep(0.02)")
    assert failure(timeout_seconds=1.0).diagnostic.code == "AXR806"
    size = beat.stat().st_size
    assert size > 0
    time.sleep(0.2)
    assert beat.stat().st_size == size


def test_a_compiler_that_nobody_waits_for_any_more_is_ended(play, tmp_path):
    beat = tmp_path / "beat"
    beat.touch()
    play(
        f"for _ in range(300):\n    open({str(beat)!r}, 'a').write('x')\n    time.sleep(0.02)",
        before_serving="time.sleep(1)",
    )
    assert process.run_worker(tmp_path, 0.1, threading.Event()).is_late, "before it is forked"
    time.sleep(2)
    size = beat.stat().st_size
    time.sleep(0.3)
    assert beat.stat().st_size == size


def test_endless_messages_neither_block_nor_fill_the_report(play):
    play("for _ in range(100): print('x' * 99_999)\nprint('last words', flush=True)")
    found = failure()
    assert found.messages.endswith("last words\n")
    assert len(found.messages) <= process.MESSAGES_LIMIT
    assert len(found.diagnostic.why) < 1000


def test_nothing_is_left_in_the_temporary_folder(play, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    play("raise ValueError")
    failure()
    assert list(scratch.iterdir()) == []


def test_the_environment_is_the_compilers_own():
    given = {
        "PATH": "/bin",
        "XLA_FLAGS": "--bad",
        "JAX_ENABLE_X64": "1",
        "LIBTPU_INIT_ARGS": "--bad",
        "HOME": "/h",
    }
    environment = worker_environment(given)
    assert (environment["PATH"], environment["HOME"]) == ("/bin", "/h")
    assert environment["JAX_PLATFORMS"] == "cpu"
    assert not {"XLA_FLAGS", "JAX_ENABLE_X64", "LIBTPU_INIT_ARGS"} & set(environment)


def test_the_callers_environment_stays(job):
    before = dict(os.environ)
    compile_step(job(), cache=False)
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("stage", "code"),
    [
        ("program", "AXR808"),
        ("topology", "AXR802"),
        ("mesh", "AXR205"),
        ("lowering", "AXR808"),
        ("compile", "AXR805"),
    ],
)
def test_the_stage_decides_the_code(stage, code, tmp_path):
    result = WorkerResult(stage=stage, error="ValueError: the compiler's own words")
    found = failure_of(Ended(0), result, "", tmp_path, JOB)
    assert found.code == code
    assert "own words" in found.why


# Word for word what libtpu 0.0.42 and 0.0.50 say.
SHORT = (
    "RESOURCE_EXHAUSTED: Ran out of memory on HBM, the total memory required for HLO temporaries (186.32G)"
    " exceeds available HBM (15.75G)."
)
CODED = SHORT.replace("EXHAUSTED: ", "EXHAUSTED: E1000: CompileTimeHbmOom: ")


@pytest.mark.parametrize("error", [SHORT, CODED])
def test_both_wordings_give_both_figures(error):
    assert is_shortage(error)
    assert find_shortfall(error, 200_064_004_096, JOB.target).needed_bytes == 200_064_004_096
    rounded = find_shortfall(error, 0, JOB.target)
    assert (rounded.needed_bytes, rounded.available_bytes) == (round(186.32 * 2**30), round(15.75 * 2**30))


def test_what_cannot_be_read_is_the_chip_files():
    found = find_shortfall("RESOURCE_EXHAUSTED: HBM is too small", 5, JOB.target)
    assert (found.needed_bytes, found.available_bytes) == (5, JOB.target.chip.compile_limit_bytes)


@pytest.mark.parametrize(
    "error", ["INTERNAL: HBM", "RESOURCE_EXHAUSTED: Ran out of memory in memory space vmem", ""]
)
def test_other_errors_are_no_shortage(error):
    assert not is_shortage(error)


def test_the_folder_of_a_job_can_be_named_by_nobody_else(play, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    play(f"open({str(tmp_path / 'mode')!r}, 'w').write(oct(os.stat(folder).st_mode & 0o777))")
    failure()
    assert Path(tmp_path / "mode").read_text(encoding="utf-8") == "0o700"
