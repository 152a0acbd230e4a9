"""Programs compiled for hardware that is not here, one by one or side by side."""

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from axisrules.diagnostics import AxisRulesError, catalog
from axisrules.targets.failures import failure_of, no_room
from axisrules.targets.handover import BUFFERS, MODULE, PARTITIONED, read_result, write_job
from axisrules.targets.installed import compiler_problem, compiler_versions, installed_versions
from axisrules.targets.job import CompiledStep, CompileFailure, CompileJob, Mode, Outcome
from axisrules.targets.process import Ended, read_messages, run_worker
from axisrules.targets.shortage import find_shortfall
from axisrules.targets.step_cache import StepCache, cache_key, default_cache

TIMEOUT_SECONDS = 1800.0

# True: the default folder; False: none; a path: that folder.
CacheChoice = bool | str | os.PathLike[str]
Progress = Callable[[int, Literal["started", "done"]], None]


@dataclass(frozen=True)
class _Run:
    """What the jobs of one call have in common."""

    mode: Mode
    timeout_seconds: float
    cache: StepCache | None
    stop: threading.Event
    on_progress: Progress | None

    def tell(self, index: int, state: Literal["started", "done"]) -> None:
        if self.on_progress:
            self.on_progress(index, state)


def compile_step(
    job: CompileJob,
    *,
    mode: Mode = "fast",
    timeout_seconds: float = TIMEOUT_SECONDS,
    cache: CacheChoice = True,
) -> CompiledStep:
    """`job` compiled in a process of its own, or taken from the cache.

    Fast mode stops once the program is scheduled and its buffers are assigned; full mode goes through
    code generation and knows `memory`. A program that does not fit into the memory is compiled all the
    same, and has a `shortfall`. This process, its devices and its flags stay as they are.

    Raises AxisRulesError: AXR803 and AXR804 without a compiler that fits, AXR205 and AXR208 for a mesh
    unlike the target's devices, AXR802 for a topology that the compiler refuses, AXR808 for a program that
    it cannot read, AXR805 when it fails, AXR806 when its time is up, AXR807 when the disk is full.
    """
    outcome = next(compile_many([job], mode=mode, timeout_seconds=timeout_seconds, cache=cache))[1]
    if isinstance(outcome, CompileFailure):
        raise AxisRulesError([outcome.diagnostic])
    return outcome


def compile_many(
    jobs: Sequence[CompileJob],
    *,
    mode: Mode = "fast",
    timeout_seconds: float = TIMEOUT_SECONDS,
    cache: CacheChoice = True,
    workers: int | None = None,
    on_progress: Progress | None = None,
) -> Iterator[tuple[int, Outcome]]:
    """The number of each job and what came of it, in the order in which they come.

    At most `workers` compile at once, by default one per processor. A job that fails is a value like
    any other, and the others go on. `on_progress` is called with a job's number, from other threads, when
    it is started and done. Leaving the iterator ends the compilers that still run.
    """
    run = _Run(mode, timeout_seconds, _cache(cache), threading.Event(), on_progress)
    pool = ThreadPoolExecutor(max_workers=workers or _processors(), thread_name_prefix="axisrules-compile")
    try:
        waiting = {pool.submit(_outcome, index, job, run): index for index, job in enumerate(jobs)}
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    finally:
        run.stop.set()
        pool.shutdown(cancel_futures=True)


def _cache(choice: CacheChoice) -> StepCache | None:
    if choice is False:
        return None
    return StepCache(default_cache() if choice is True else Path(choice))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _outcome(index: int, job: CompileJob, run: _Run) -> Outcome:
    """What comes of one job; every mistake that a user can make is a value."""
    run.tell(index, "started")
    try:
        return _cached_or_compiled(job, run)
    except AxisRulesError as error:
        return CompileFailure(error.diagnostics[0])
    finally:
        run.tell(index, "done")


def _cached_or_compiled(job: CompileJob, run: _Run) -> Outcome:
    platform = job.target.chip.platform
    installed = installed_versions()
    problem = compiler_problem(platform, installed)
    if problem:
        return CompileFailure(problem)
    fitted = replace(job, mesh=job.target.fit(job.mesh))
    versions = compiler_versions(platform, installed)
    if run.cache is None:
        return _compiled(fitted, run, versions)
    key = cache_key(fitted, run.mode, versions)
    stored = run.cache.load(key, fitted, run.mode)
    if stored:
        return _with_notes(stored)
    outcome = _compiled(fitted, run, versions)
    if isinstance(outcome, CompileFailure):
        return outcome
    unusable = run.cache.store(key, outcome)
    return replace(outcome, notes=(*outcome.notes, unusable)) if unusable else outcome


def _compiled(job: CompileJob, run: _Run, versions: Mapping[str, str]) -> Outcome:
    try:
        folder = Path(tempfile.mkdtemp(prefix="axisrules-"))
    except OSError as error:
        return CompileFailure(no_room(Path(tempfile.tempdir or "."), str(error)))
    try:
        write_job(folder, job, run.mode)
        ended = run_worker(folder, run.timeout_seconds, run.stop)
        return _read_outcome(folder, job, run.mode, ended, versions)
    except OSError as error:
        return CompileFailure(no_room(folder, str(error)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read_outcome(
    folder: Path, job: CompileJob, mode: Mode, ended: Ended, versions: Mapping[str, str]
) -> Outcome:
    messages = read_messages(folder)
    result = read_result(folder)
    failure = failure_of(ended, result, messages, folder, job)
    if failure:
        return CompileFailure(failure, messages)
    assert result  # without one there is a failure
    return _with_notes(
        CompiledStep(
            target=job.target,
            mesh=job.mesh,
            mode=mode,
            module_text=(folder / MODULE).read_text(encoding="utf-8"),
            buffers_text=(folder / BUFFERS).read_text(encoding="utf-8"),
            partitioned_text=(folder / PARTITIONED).read_text(encoding="utf-8"),
            memory=result.memory,
            places=result.places,
            shortfall=find_shortfall(result.shortage, result.assigned_bytes, job.target),
            messages=messages,
            versions=tuple(sorted(versions.items())),
            wall_seconds=result.wall_seconds,
            cpu_seconds=result.cpu_seconds,
            peak_bytes=result.peak_bytes,
        )
    )


def _with_notes(step: CompiledStep) -> CompiledStep:
    """The step with a warning where it does not fit."""
    short = step.shortfall
    if not short:
        return step
    why = f"{short.needed_bytes:,} bytes needed on one device, {short.available_bytes:,} available"
    fix = "cut more dims, add devices to the mesh axes that cut them, or take a larger chip"
    note = catalog.OUT_OF_MEMORY.at(subject=str(step.target), why=why, fix=fix)
    return replace(step, notes=(note,))
