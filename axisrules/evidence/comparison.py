"""Tables and targets in, evidence out: every pair planned, compiled by its target's compiler, and read."""

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import jax

from axisrules.adapters import Program
from axisrules.diagnostics import AxisRulesError, Diagnostic, render_text
from axisrules.evidence.policies import with_policy_advice
from axisrules.evidence.read import read_step
from axisrules.evidence.result import Comparison, LayoutEvidence
from axisrules.mesh import MeshSpec, Target, parse_mesh, parse_target
from axisrules.partition import FlatStep, described_partitioner, make_partitioner
from axisrules.rules import RuleTable, load_rules
from axisrules.targets import (
    CompileFailure,
    CompileJob,
    Mode,
    Outcome,
    compile_here,
    compile_many,
    compiler_problem,
    installed_versions,
)

# (layout, what happens to it, layouts done); called often, so that a bar can move.
CompareProgress = Callable[[str, str, int], None]
PLATFORMS = {"tpu": "tpu", "gpu": "cuda"}


@dataclass(frozen=True)
class Compiling:
    """How targets compile: how far, from the cache or anew, how many at a time, and for how long at most.

    `mode` is `fast`, which ends once the step is scheduled and its memory assigned, or `full`.
    `options` are XLA's compiler options by name.
    """

    mode: Mode = "fast"
    uses_cache: bool = True
    workers: int | None = None
    timeout_seconds: float = 600.0
    options: tuple[tuple[str, bool | int | float | str], ...] = ()


@dataclass(frozen=True, eq=False)
class _Layout:
    """A table on a target: what is to be compiled, or the row that says why nothing is."""

    name: str
    target: Target
    mesh: MeshSpec
    flat: FlatStep | None = None
    failed: LayoutEvidence | None = None


def compare(
    program: Program,
    tables: Sequence[str | Path | RuleTable],
    targets: Sequence[str | Target] = ("local",),
    *,
    mesh: str | None = None,
    how: Compiling = Compiling(),
    on_progress: CompareProgress | None = None,
) -> Comparison:
    """The evidence of every table on every target, compiled and not run.

    `mesh` goes for every table; without it each uses the mesh it suggests, its -1 filled with the
    target's devices. A layout that cannot be planned or compiled becomes a row with an error; the
    others still come. Raises AxisRulesError for a table that cannot be read or a target that is none.
    """
    loaded = [load_rules(table) for table in tables]
    chosen = [target if isinstance(target, Target) else parse_target(target) for target in targets]
    report = on_progress or _unseen
    layouts = []
    for target in chosen:
        for table in loaded:
            report(f"{table.name} on {target}", "plan", 0)
            layouts.append(_plan(program, table, target, mesh))
    rows = dict(_compiled(layouts, how, report))
    return Comparison(
        rows=with_policy_advice(tuple(rows[place] for place in range(len(layouts)))),
        versions=_versions(),
        machine=f"{platform.machine()}, {os.cpu_count()} cores",
    )


def _unseen(layout: str, phase: str, done: int) -> None:
    """Progress that nobody watches."""


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("jax", "flax", "optax")} | {"python": platform.python_version()}


def _plan(program: Program, table: RuleTable, target: Target, mesh: str | None) -> _Layout:
    spec = parse_mesh("data=-1")
    try:
        spec = parse_mesh(mesh or table.mesh or "data=-1")
        if target.is_local:
            partitioner = make_partitioner(program, table, spec)
            return _Layout(table.name, target, partitioner.plan.mesh, FlatStep(partitioner))
        spec = target.fit(spec)
        return _Layout(table.name, target, spec, FlatStep(described_partitioner(program, table, spec)))
    except AxisRulesError as error:
        return _Layout(
            table.name, target, spec, failed=_failed(table.name, spec, target, render_text(error.diagnostics))
        )


def _compiled(
    layouts: list[_Layout], how: Compiling, report: CompareProgress
) -> Iterator[tuple[int, LayoutEvidence]]:
    """The row of every layout by its place, as they come."""
    done = 0
    jobs: dict[int, CompileJob] = {}
    for place, layout in enumerate(layouts):
        row = layout.failed
        if layout.flat and layout.target.is_local:
            report(f"{layout.name} on {layout.target}", "compile", done)
            row = _compiled_here(layout, layout.flat)
        elif layout.flat and (problem := _missing_compiler(layout.target)):
            row = _failed(layout.name, layout.mesh, layout.target, render_text([problem]))
        elif layout.flat:
            report(f"{layout.name} on {layout.target}", "lower", done)
            jobs[place] = _job(layout, layout.flat, how)
        if row:
            done += 1
            yield place, row
    places = list(jobs)
    outcomes = compile_many(
        list(jobs.values()),
        mode=how.mode,
        timeout_seconds=how.timeout_seconds,
        cache=how.uses_cache,
        workers=how.workers,
        on_progress=lambda number, state: report(jobs[places[number]].name, f"compile, {state}", done),
    )
    for number, outcome in outcomes:
        layout = layouts[places[number]]
        report(f"{layout.name} on {layout.target}", "read", done)
        done += 1
        yield places[number], _read(layout, outcome)


def _compiled_here(layout: _Layout, flat: FlatStep) -> LayoutEvidence:
    try:
        step = compile_here(flat.jitted.lower(*flat.shapes), layout.mesh)
    except jax.errors.JaxRuntimeError as error:  # out of memory, or a layout that XLA cannot compile
        return _failed(layout.name, layout.mesh, layout.target, str(error))
    return read_step(flat, step)


def _missing_compiler(target: Target) -> Diagnostic | None:
    """What keeps this installation from compiling for `target`: said before the step is lowered for it."""
    return compiler_problem(target.chip.platform, installed_versions())


def _job(layout: _Layout, flat: FlatStep, how: Compiling) -> CompileJob:
    return CompileJob(
        exported=flat.export(PLATFORMS[layout.target.platform]),
        target=layout.target,
        mesh=layout.mesh,
        donated=tuple(range(flat.state_count)),
        options=dict(how.options),
        name=f"{layout.name} on {layout.target}",
    )


def _read(layout: _Layout, outcome: Outcome) -> LayoutEvidence:
    if isinstance(outcome, CompileFailure):
        return _failed(layout.name, layout.mesh, layout.target, render_text([outcome.diagnostic]))
    assert layout.flat is not None, "only what was planned is compiled"
    return read_step(layout.flat, outcome)


def _failed(name: str, mesh: MeshSpec, target: Target, error: str) -> LayoutEvidence:
    return LayoutEvidence(name, mesh, target, "fast", error=error)
