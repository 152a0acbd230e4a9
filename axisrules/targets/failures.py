"""What went wrong in a compiler's process, as one finding that a user can act on."""

import shutil
import signal
from pathlib import Path

from axisrules.diagnostics import Diagnostic, catalog, printable
from axisrules.targets.handover import WorkerResult
from axisrules.targets.job import CompileJob
from axisrules.targets.process import Ended

NO_SPACE = ("No space left on device", "Disk quota exceeded")
ROOM_BYTES = 2**20
WHY_LIMIT = 600


def failure_of(
    ended: Ended, result: WorkerResult | None, messages: str, folder: Path, job: CompileJob
) -> Diagnostic | None:
    """What a process failed of (AXR205, AXR802, AXR805 to AXR808); None for one that gave a program."""
    if result and not result.error:
        return None
    error = result.error if result else ""
    subject = str(job.target)
    if any(words in error or words in messages for words in NO_SPACE) or _is_full(folder):
        return no_room(folder, error or messages)
    if result is None:
        return _ended_without_result(ended, messages, subject)
    why = _shortened(error)
    if result.stage == "topology":
        return catalog.UNKNOWN_TOPOLOGY.at(subject=subject, why=f"its compiler says: {why}")
    if result.stage == "mesh":
        return catalog.DEVICE_COUNT.at(subject=f"{job.mesh} on {subject}", why=why)
    if result.stage in ("program", "lowering"):
        return catalog.BAD_PROGRAM.at(subject=subject, why=why)
    return catalog.COMPILER_FAILED.at(subject=subject, why=why)


def no_room(folder: Path, why: str) -> Diagnostic:
    """AXR807: `folder` takes no more files."""
    fix = "free some room, or let TMPDIR name a folder that has it"
    return catalog.NO_ROOM.at(subject=str(folder), why=_shortened(why), fix=fix)


def _ended_without_result(ended: Ended, messages: str, subject: str) -> Diagnostic:
    if ended.is_late:
        fix = "give it more time, or compile fewer programs at once"
        return catalog.COMPILER_LATE.at(
            subject=subject, why="the compiler was ended when its time was up", fix=fix
        )
    if ended.status < 0:
        name = signal.Signals(-ended.status).name
        fix = (
            "compile fewer programs at once: this machine may have run out of memory"
            if name == "SIGKILL"
            else ""
        )
        return catalog.COMPILER_FAILED.at(subject=subject, why=f"its process was ended by {name}", fix=fix)
    said = _shortened("\n".join(messages.strip().splitlines()[-3:]))
    why = f"its process ended with status {ended.status} and no result" + (f": {said}" if said else "")
    return catalog.COMPILER_FAILED.at(subject=subject, why=why)


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < ROOM_BYTES
    except OSError:
        return False


def _shortened(text: str) -> str:
    """The text in one line of bearable length, with nothing in it that a terminal would obey."""
    line = " ".join(text.split())
    line = line if len(line) <= WHY_LIMIT else f"{line[:WHY_LIMIT]}..."
    return printable(line)
