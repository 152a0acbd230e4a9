"""A step compiled by this process, for the devices that it has."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from axisrules.mesh import MeshSpec, Target
from axisrules.targets.dump import NAMES, dumping, read_dump, read_partitioned
from axisrules.targets.job import CompiledStep, memory_stats

if TYPE_CHECKING:  # facts about an installation are told without JAX
    from jax.stages import Lowered


def compile_here(lowered: Lowered, mesh: MeshSpec) -> CompiledStep:
    """`lowered` as JAX compiles it for the devices at hand, with what XLA has to say of it.

    Raises jax.errors.JaxRuntimeError where XLA cannot compile it.
    """
    started, names = time.perf_counter(), NAMES["local"]
    with tempfile.TemporaryDirectory(prefix="axisrules-") as name:
        folder = Path(name)
        with _messages_in(folder / "messages.txt") as messages:
            compiled = lowered.compile(compiler_options=dumping(folder / "dump"))
        module, buffers, _ = read_dump(folder / "dump", names)
        partitioned = read_partitioned(folder / "dump", names)
        said = messages.read_text(encoding="utf-8", errors="replace")
    return CompiledStep(
        target=Target("local"),
        mesh=mesh,
        mode="full",
        module_text=compiled.as_text() or module,
        buffers_text=buffers,
        partitioned_text=partitioned,
        memory=memory_stats(compiled.memory_analysis()),
        places=(),
        shortfall=None,
        messages=said,
        versions=(("jax", version("jax")),),
        wall_seconds=time.perf_counter() - started,
        cpu_seconds=0.0,
        peak_bytes=0,
    )


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
