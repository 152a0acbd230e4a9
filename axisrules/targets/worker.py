"""What a compiler's own process does: it reads a job from a folder and leaves a result there.

In fast mode it ends itself as soon as the scheduled program is on disk, which spares the whole of code
generation.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import jax
import jax.export

from axisrules.targets.described_devices import described_devices, described_mesh, place_of
from axisrules.targets.dump import (
    NAMES,
    PROGRAM_NAME,
    DumpNames,
    dumping,
    is_scheduled,
    read_dump,
    read_partitioned,
)
from axisrules.targets.handover import (
    BUFFERS,
    DUMP,
    MODULE,
    PARTITIONED,
    WorkerResult,
    read_job,
    write_result,
)
from axisrules.targets.job import CompileJob, DevicePlace, Mode, memory_stats
from axisrules.targets.shortage import is_shortage

POLL_SECONDS = 0.02


def compile_folder(folder: Path) -> NoReturn:
    """Compile the job in `folder`, and end the process."""
    started = time.monotonic()
    stage = "program"

    def enter(name: str) -> None:
        nonlocal stage
        stage = name

    try:
        result = _compile_job(folder, enter)
    except Exception as error:  # noqa: BLE001  (whatever goes wrong becomes the caller's error)
        result = WorkerResult(stage=stage, error=f"{type(error).__name__}: {error}")
    spent = replace(
        result,
        wall_seconds=time.monotonic() - started,
        cpu_seconds=time.process_time(),
        peak_bytes=_peak_bytes(),
    )
    write_result(folder, spent)
    os._exit(0)  # code generation may still be under way in another thread: nothing waits for it


def _compile_job(folder: Path, enter: Callable[[str], None]) -> WorkerResult:
    job, mode = read_job(folder)
    exported = jax.export.deserialize(bytearray(job.exported))
    enter("topology")
    devices = described_devices(job.target)
    enter("mesh")
    mesh = described_mesh(job.mesh, job.target, devices)
    places = tuple(place_of(device, job.target) for device in mesh.devices.flat)
    enter("lowering")
    lowered = _lower(exported, job, mesh)
    enter("compile")
    return _compile(lowered, job, mode, folder, places)


def _lower(exported: jax.export.Exported, job: CompileJob, mesh: jax.sharding.Mesh) -> Any:
    """The program on the described mesh, with the same argument numbers."""

    def call(*arrays: Any) -> list[Any]:
        arguments, keywords = jax.tree.unflatten(exported.in_tree, arrays)
        return jax.tree.leaves(exported.call(*arguments, **keywords))

    call.__name__ = PROGRAM_NAME
    everywhere = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    jitted = jax.jit(
        call,
        # An argument without a layout would be put on a device of this process's own platform.
        in_shardings=tuple(sharding or everywhere for sharding in exported.in_shardings_jax(mesh)),
        out_shardings=list(exported.out_shardings_jax(mesh)),
        donate_argnums=job.donated,
        keep_unused=True,
    )
    return jitted.lower(*(jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in exported.in_avals))


def _compile(
    lowered: Any, job: CompileJob, mode: Mode, folder: Path, places: tuple[DevicePlace, ...]
) -> WorkerResult:
    """The compiled program; one that is too large for the memory is on disk all the same, scheduled."""
    dump, names = folder / DUMP, NAMES[job.target.platform]
    compiled, shortage = None, ""
    try:
        compiled = _until_scheduled(lowered, dict(job.options), dump, names, mode)
    except Exception as error:
        shortage = str(error)
        if not is_shortage(shortage):
            raise
    module, buffers, assigned = read_dump(dump, names)
    (folder / MODULE).write_text(compiled.as_text() if compiled else module, encoding="utf-8")
    (folder / BUFFERS).write_text(buffers, encoding="utf-8")
    (folder / PARTITIONED).write_text(read_partitioned(dump, names), encoding="utf-8")
    memory = memory_stats(compiled.memory_analysis()) if compiled else None
    return WorkerResult(shortage=shortage, assigned_bytes=assigned, memory=memory, places=places)


def _until_scheduled(
    lowered: Any, options: dict[str, Any], dump: Path, names: DumpNames, mode: Mode
) -> Any | None:
    """The compiled program, or None as soon as all that fast mode wants is on disk."""
    done: list[Any] = []
    failed: list[Exception] = []

    def compile_it() -> None:
        try:
            done.append(lowered.compile(compiler_options={**options, **dumping(dump)}))
        except Exception as error:  # noqa: BLE001  (raised again in the thread that waits)
            failed.append(error)

    thread = threading.Thread(target=compile_it, daemon=True)
    thread.start()
    caller = os.getppid()
    while thread.is_alive():
        thread.join(POLL_SECONDS)
        if os.getppid() != caller:
            os._exit(1)  # nobody is left to read the result
        if mode == "fast" and is_scheduled(dump, names):
            return None
    if failed:
        raise failed[0]
    return done[0] if mode == "full" else None


def _peak_bytes() -> int:
    """The most memory that this process has held; where Linux does not tell, the system's own count."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    peaks = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")]
    if peaks:
        return peaks[0]
    import resource  # noqa: PLC0415  (not on every system)

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
