"""What XLA leaves in its dump folder, and when it is whole."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The function that holds the program; XLA names its files after it.
PROGRAM_NAME = "call"

# The pass before which XLA is asked to write down the whole program: there all layouts are decided.
PARTITIONING = ".*spmd-partitioning"

_TOTAL = re.compile(r"Total bytes: (\d+)")


@dataclass(frozen=True, slots=True)
class DumpNames:
    """How one platform's compiler names its files: the scheduled module, its buffers, and a report of them.

    `last` is a file that is opened once those three are closed: when it is there, they are whole.
    `partitioned` is the program before the pass that cuts it into one device's.
    """

    module: str
    buffers: str
    report: str
    last: str
    partitioned: str = "*.before_*spmd-partitioning.txt"


NAMES = {
    "tpu": DumpNames(
        module="*.after_optimizations.txt",
        buffers="*.after_optimizations-buffer-assignment.txt",
        report="*.after_optimizations-memory-usage-report.txt",
        last="*.after_optimizations_after_buffer_assignment.txt",
    ),
    "gpu": DumpNames(
        module="*gpu_after_optimizations.txt",
        buffers="*gpu_after_optimizations-buffer-assignment.txt",
        report="*gpu_after_optimizations-memory-usage-report.txt",
        last="*.debug_options",
    ),
    # Whatever the platform of the devices at hand: each puts its own name before these.
    "local": DumpNames(
        module="*after_optimizations.txt",
        buffers="*after_optimizations-buffer-assignment.txt",
        report="*after_optimizations-memory-usage-report.txt",
        last="*.debug_options",
    ),
}


def dumping(folder: Path) -> dict[str, Any]:
    """The compiler options by which XLA leaves all that is read here in `folder`."""
    return {
        "xla_dump_to": str(folder),
        "xla_dump_hlo_as_text": True,
        "xla_dump_hlo_pass_re": PARTITIONING,
    }


def is_scheduled(dump: Path, names: DumpNames) -> bool:
    """Whether the compiler has written the scheduled, buffer-assigned program to its end.

    A last file that is older than the others is another's: a GPU's autotuning leaves some too.
    """
    last = _one(dump, names.last)
    others = [_one(dump, pattern) for pattern in (names.module, names.buffers, names.report)]
    times = [path.stat().st_mtime_ns for path in others if path]
    return last is not None and len(times) == len(others) and last.stat().st_mtime_ns >= max(times)


def read_partitioned(dump: Path, names: DumpNames) -> str:
    """The program as it went into the partitioner; empty where the compiler left none."""
    path = _one(dump, names.partitioned)
    return path.read_text(encoding="utf-8", errors="replace") if path else ""


def read_dump(dump: Path, names: DumpNames) -> tuple[str, str, int]:
    """The scheduled module, its buffer assignment, and the bytes that this adds up to in a device's memory.

    Raises FileNotFoundError where the compiler left none.
    """
    module, buffers, report = (_one(dump, pattern) for pattern in (names.module, names.buffers, names.report))
    if not module or not buffers:
        raise FileNotFoundError(f"the compiler left no {names.module} in its dump")
    total = _TOTAL.search(report.read_text(encoding="utf-8", errors="replace")) if report else None
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in (module, buffers)]
    return texts[0], texts[1], int(total[1]) if total else 0


def _one(dump: Path, pattern: str) -> Path | None:
    """The program's file of that kind; the program is the largest module that the compiler sees."""
    found = list(dump.glob(f"*jit_{pattern}"))
    return max(found, key=lambda path: path.stat().st_size, default=None)
