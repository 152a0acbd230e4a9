"""A compiler's process: forked with an environment of its own, and ended with all that it started."""

import atexit
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from axisrules.targets.environment import worker_environment
from axisrules.targets.handover import MESSAGES

FORK_SERVER = "axisrules.targets.fork_server"
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
    (folder / MESSAGES).touch()
    server, deadline = _server_here(), time.monotonic() + timeout_seconds
    try:
        with server.fork(folder) as compiler:
            return _awaited(compiler, deadline, stop)
    except (BrokenPipeError, ConnectionResetError, EOFError):
        (folder / MESSAGES).write_bytes(server.said())
        return Ended(server.process.wait())


def _awaited(compiler: "_Compiler", deadline: float, stop: threading.Event) -> Ended:
    while True:
        status = compiler.wait(POLL_SECONDS)
        if status is not None:
            return Ended(status)
        if stop.is_set() or time.monotonic() > deadline:
            return Ended(-signal.SIGKILL, is_late=not stop.is_set(), is_stopped=stop.is_set())


def read_messages(folder: Path) -> str:
    """What the process printed, without the lines in which NVIDIA's libraries miss a driver."""
    path = folder / MESSAGES
    text = path.read_bytes()[-MESSAGES_LIMIT:].decode(errors="replace") if path.exists() else ""
    chatter = ("cudart_stub.cc", "before absl::InitializeLog()")
    return "".join(line for line in text.splitlines(keepends=True) if not any(c in line for c in chatter))


class _Compiler:
    """A process that a server has forked, known by the pipe into which its number and its end are told."""

    def __init__(self, report: int) -> None:
        self.report, self.told = report, b""

    def wait(self, seconds: float) -> int | None:
        """Its exit status as soon as it has ended; None when the time is up. EOFError without a server."""
        if select.select([self.report], [], [], seconds)[0]:
            more = os.read(self.report, 64)
            if not more:
                raise EOFError
            self.told += more
        lines = self.told.split(b"\n")
        return int(lines[1]) if len(lines) > 2 else None

    def end(self) -> None:
        """End it and its children, if any of them is left."""
        number = self.told.partition(b"\n")[0]
        if number and self.told.count(b"\n") == 1:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(int(number), signal.SIGKILL)
            with contextlib.suppress(EOFError):
                while self.wait(POLL_SECONDS) is None:
                    pass
        os.close(self.report)


class _ForkServer:
    """A process that has imported JAX, and forks as often as it is told a folder."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.caller, self.environment = os.getpid(), environment
        self.messages = tempfile.TemporaryFile()  # noqa: SIM115  (closed when the process has ended)
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603  (this interpreter, and arguments of our own)
                [sys.executable, "-P", "-m", FORK_SERVER, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=self.messages,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=environment,
                start_new_session=True,  # no key that is meant for the caller ends it
            )

    def serves(self, environment: Mapping[str, str]) -> bool:
        """Whether it runs, is this process's own and has this environment."""
        is_own = self.caller == os.getpid() and self.environment == environment
        return is_own and self.process.poll() is None

    @contextmanager
    def fork(self, folder: Path) -> Iterator[_Compiler]:
        """A compiler that works on `folder`, and ends with the block."""
        report, writer = os.pipe()
        compiler = _Compiler(report)
        try:
            try:
                socket.send_fds(self.control, [os.fsencode(folder)], [writer])
            finally:
                os.close(writer)
            yield compiler
        finally:
            compiler.end()

    def said(self) -> bytes:
        """What the server has printed."""
        self.messages.seek(0)
        return self.messages.read()

    def end(self) -> None:
        """Let it end, and its compilers with it."""
        self.control.close()
        self.process.wait()
        self.messages.close()


_lock = threading.Lock()
_servers: list[_ForkServer] = []


def _server_here() -> _ForkServer:
    """The server of this process and its environment, started where there is none."""
    environment = worker_environment()
    with _lock:
        for server in _servers:
            if server.serves(environment):
                return server
        _servers.append(_ForkServer(environment))
        return _servers[-1]


@atexit.register
def _end_all() -> None:
    for server in _servers:
        if server.caller == os.getpid():
            server.end()
