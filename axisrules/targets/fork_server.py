"""Compilers' processes on demand: `python -m axisrules.targets.fork_server DESCRIPTOR`, one for each caller.

JAX is imported once, and every compiler is a fork of this process; an import of its own would be a quarter
of what a small program takes it. No backend is ever started here, and so no thread of it is there to be
missed in a fork.
"""

import contextlib
import gc
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from axisrules.targets.handover import MESSAGES

POLL_SECONDS = 0.02
LONGEST_PATH = 4096


def serve(control: socket.socket, compile_folder: Callable[[Path], None]) -> None:
    """Fork a process for every folder that comes with a pipe, until the caller is gone.

    Into the pipe go two lines: the process's number, and its exit status once it has ended.
    """
    reports: dict[int, int] = {}
    while True:
        if select.select([control], [], [], POLL_SECONDS if reports else None)[0]:
            message, pipes, _, _ = socket.recv_fds(control, LONGEST_PATH, 1)
            if not message:
                return  # compilers that still run notice it themselves
            started = _fork(Path(os.fsdecode(message)), control, compile_folder)
            reports[started] = pipes[0]
            if not _tell(pipes[0], started):
                os.killpg(started, signal.SIGKILL)  # whoever asked for it does not wait any more
        for process in list(reports):
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                report = reports.pop(process)
                _tell(report, os.waitstatus_to_exitcode(status))
                os.close(report)


def _fork(folder: Path, control: socket.socket, compile_folder: Callable[[Path], None]) -> int:
    """The number of a new process that compiles what is in `folder`, in a group of its own."""
    process = os.fork()
    if process:
        with contextlib.suppress(OSError):  # whoever comes first makes the group
            os.setpgid(process, process)
        return process
    try:
        os.setpgid(0, 0)
        control.close()
        os.chdir(folder)
        messages = os.open(MESSAGES, os.O_WRONLY | os.O_CREAT)
        for stream in (1, 2):
            os.dup2(messages, stream)
        compile_folder(folder)
    except BaseException:  # noqa: BLE001  (this process must not go on as a second server)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(1)


def _tell(report: int, number: int) -> bool:
    """Write a line; whether anybody reads it."""
    try:
        os.write(report, f"{number}\n".encode())
    except BrokenPipeError:
        return False
    return True


if __name__ == "__main__":
    from axisrules.targets import worker  # the import that all forks share

    gc.freeze()  # nor does each of them look through all objects for garbage
    serve(socket.socket(fileno=int(sys.argv[1])), worker.compile_folder)
