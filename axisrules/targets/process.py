"""A compiler's process: started with an environment of its own, and ended with all that it started."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from axisrules.targets.environment import worker_environment
from axisrules.targets.handover import MESSAGES

WORKER = "axisrules.targets.worker"
POLL_SECONDS = 0.05
MESSAGES_LIMIT = 2**20


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: its exit status (negative for a signal), or that its time was up."""

    status: int
    is_late: bool = False
    is_stopped: bool = False


def run_worker(folder: Path, timeout_seconds: float, stop: threading.Event) -> Ended:
    """Run a compiler's process on `folder` to its end, or to the end of its time, or until `stop` is set.

    What it prints goes to a file of the folder, and nothing to the caller's own streams.
    """
    command = [sys.executable, "-P", "-m", WORKER, str(folder)]
    with (folder / MESSAGES).open("wb") as messages:
        process = subprocess.Popen(  # noqa: S603  (this interpreter, and arguments of our own)
            command,
            stdin=subprocess.DEVNULL,
            stdout=messages,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=worker_environment(),
            start_new_session=True,  # a group of its own, to be ended as a whole
        )
    deadline = time.monotonic() + timeout_seconds
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return Ended(process.wait(POLL_SECONDS))
            if stop.is_set() or time.monotonic() > deadline:
                return Ended(-signal.SIGKILL, is_late=not stop.is_set(), is_stopped=stop.is_set())
    finally:
        _end(process)


def read_messages(folder: Path) -> str:
    """What the process printed, without the lines in which NVIDIA's libraries miss a driver."""
    path = folder / MESSAGES
    text = path.read_bytes()[-MESSAGES_LIMIT:].decode(errors="replace") if path.exists() else ""
    chatter = ("cudart_stub.cc", "before absl::InitializeLog()")
    return "".join(line for line in text.splitlines(keepends=True) if not any(c in line for c in chatter))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and its children, if any of them is left."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
