"""Trains one program under several rule tables, one after the other, and measures each."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import jax

from axisrules.adapters import Program
from axisrules.bench.result import BenchReport, BenchRow
from axisrules.diagnostics import AxisRulesError
from axisrules.evidence import find_pipeline
from axisrules.partition import Partitioner, make_partitioner
from axisrules.rules import RuleTable, load_rules

# (layout, what happens now, steps done); called often, so that a bar can move.
Progress = Callable[[str, str, int], None]
PHASES = ("plan", "init", "compile")


@dataclass(frozen=True)
class Workload:
    """What every layout trains: a program and the same batches, all on the host.

    `batch` and `seq` are None where a model brings batches of its own, which need not be tokens.
    """

    name: str
    program: Program
    batches: tuple[Any, ...]
    batch: int | None = None
    seq: int | None = None
    dtype: str = "float32"
    seed: int = 0


def run_bench(
    workload: Workload,
    tables: Sequence[str | RuleTable],
    *,
    mesh: str | None = None,
    on_progress: Progress | None = None,
) -> BenchReport:
    """Train `workload` under each of `tables` and report them side by side.

    A layout that cannot be planned or run becomes a row with an error; the others still come. `mesh`
    goes for every table; without it each uses the mesh it suggests.
    """
    rows: list[BenchRow] = []
    for source in tables:
        row = _run_layout(workload, source, mesh, on_progress or _unseen)
        first = next((r.step_seconds for r in rows if r.step_seconds), row.step_seconds)
        if first and row.step_seconds:
            row = replace(row, speed_ratio=first / row.step_seconds)
        rows.append(row)
    return BenchReport(
        model=workload.name,
        api=workload.program.api,
        dtype=workload.dtype,
        batch=workload.batch,
        seq=workload.seq,
        steps=len(workload.batches),
        devices=jax.device_count(),
        platform=jax.default_backend(),
        versions=_versions(),
        machine=f"{platform.machine()}, {os.cpu_count()} cores",
        rows=tuple(rows),
    )


def _unseen(layout: str, phase: str, done: int) -> None:
    """Progress that nobody watches."""


def _versions() -> dict[str, str]:
    installed = {name: version(name) for name in ("jax", "flax", "optax")}
    return installed | {"python": platform.python_version()}


def _run_layout(
    workload: Workload, source: str | RuleTable, mesh: str | None, on_progress: Progress
) -> BenchRow:
    name = source.name if isinstance(source, RuleTable) else source
    on_progress(name, "plan", 0)
    try:
        table = load_rules(source)
        partitioner = make_partitioner(workload.program, table, mesh)
        pipeline = find_pipeline(partitioner)
    except AxisRulesError as error:
        return BenchRow(name, mesh or "", error=str(error))
    row = BenchRow(name, str(partitioner.plan.mesh), pipeline=pipeline.facts if pipeline else None)
    try:
        return _train(row, workload, partitioner, lambda phase, done: on_progress(name, phase, done))
    except jax.errors.JaxRuntimeError as error:  # out of memory, or a layout that XLA cannot compile
        return replace(row, error=str(error))


def _train(
    row: BenchRow, workload: Workload, partitioner: Partitioner, on_progress: Callable[[str, int], None]
) -> BenchRow:
    on_progress("init", 0)
    state = jax.block_until_ready(partitioner.init(jax.random.key(workload.seed)))
    on_progress("compile", 0)
    batches = [partitioner.place(batch) for batch in workload.batches]
    started = time.perf_counter()
    step = partitioner.train_step().lower(state, batches[0]).compile()
    compile_seconds = time.perf_counter() - started

    losses, seconds = [], []
    for done, batch in enumerate(batches, 1):
        started = time.perf_counter()
        # All of it: the loss alone is ready before the slowest device is.
        state, metrics = jax.block_until_ready(step(state, batch))
        seconds.append(time.perf_counter() - started)
        losses.append(float(metrics["loss"]))
        on_progress("train", done)
    step_seconds = statistics.median(seconds[1:] or seconds)
    tokens = (workload.batch or 0) * (workload.seq or 0)
    return replace(
        row,
        losses=tuple(losses),
        param_bytes=_bytes_on_one_device(jax.tree.leaves(state.params)),
        optimizer_bytes=_bytes_on_one_device(jax.tree.leaves(state.opt_state)),
        temporary_bytes=getattr(step.memory_analysis(), "temp_size_in_bytes", None),
        compile_seconds=compile_seconds,
        step_seconds=step_seconds,
        tokens_per_second=tokens / step_seconds if tokens else None,
    )


def _bytes_on_one_device(arrays: Iterable[jax.Array]) -> int:
    """As the live arrays lie, not as the plan has them."""
    return sum(array.addressable_shards[0].data.nbytes for array in arrays)
