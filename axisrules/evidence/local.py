"""The step compiled by this process, for the devices that it has."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax

from axisrules.mesh import Target
from axisrules.partition import FlatStep
from axisrules.targets import CompiledStep, MemoryStats

PARTITIONER = ".*spmd-partitioning"
PARTITIONED = "*.before_*spmd-partitioning.txt"
BUFFERS = "*after_optimizations-buffer-assignment.txt"


def compile_here(flat: FlatStep) -> CompiledStep:
    """`flat`'s step as JAX compiles it for its own mesh, with what XLA has to say of it.

    Raises jax.errors.JaxRuntimeError where XLA cannot compile it.
    """
    started = time.perf_counter()
    options: dict[str, str | bool] = {"xla_dump_hlo_as_text": True, "xla_dump_hlo_pass_re": PARTITIONER}
    lowered = flat.jitted.lower(*flat.shapes)
    with tempfile.TemporaryDirectory(prefix="axisrules-") as folder:
        with _messages_in(Path(folder) / "messages.txt") as messages:
            compiled = lowered.compile(compiler_options={**options, "xla_dump_to": folder})
        partitioned, buffers = (_largest(Path(folder), pattern) for pattern in (PARTITIONED, BUFFERS))
        said = messages.read_text(encoding="utf-8", errors="replace")
    return CompiledStep(
        target=Target("local"),
        mesh=flat.partitioner.plan.mesh,
        mode="full",
        module_text=compiled.as_text() or "",
        buffers_text=buffers,
        partitioned_text=partitioned,
        memory=_memory(compiled.memory_analysis()),
        places=(),
        shortfall=None,
        messages=said,
        versions=(("jax", jax.__version__),),
        wall_seconds=time.perf_counter() - started,
        cpu_seconds=0.0,
        peak_bytes=0,
    )


def _memory(stats: Any) -> MemoryStats | None:
    """What the backend says of the step's memory, where it says anything."""
    if stats is None:
        return None
    return MemoryStats(
        argument_bytes=stats.argument_size_in_bytes,
        output_bytes=stats.output_size_in_bytes,
        alias_bytes=stats.alias_size_in_bytes,
        temp_bytes=stats.temp_size_in_bytes,
        code_bytes=stats.generated_code_size_in_bytes,
    )


def _largest(folder: Path, pattern: str) -> str:
    """The text of the largest file of that name: the step itself, and none of the functions around it."""
    found = sorted(folder.glob(pattern), key=lambda path: path.stat().st_size)
    return found[-1].read_text(encoding="utf-8") if found else ""


@contextmanager
def _messages_in(path: Path) -> Iterator[Path]:
    """XLA writes to the process's standard error, past Python's; here it goes into a file."""
    sys.stderr.flush()
    before = os.dup(2)
    with path.open("wb") as file:
        os.dup2(file.fileno(), 2)
        try:
            yield path
        finally:
            os.dup2(before, 2)
            os.close(before)
