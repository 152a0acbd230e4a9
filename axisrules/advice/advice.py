"""Advice that any table can be asked about: each piece is tried, and given only where the trial is better."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from axisrules.adapters import Program
from axisrules.advice.advice_mesh import (
    ask_data_parallel,
    ask_idle_axis,
    ask_state,
    ask_tensor_links,
    ask_tensor_ways,
)
from axisrules.advice.advice_network import (
    ask_communication,
    ask_pipeline,
    ask_sequence,
    ask_stage_across,
)
from axisrules.advice.advice_step import ask_memory, ask_microbatches, ask_remat, ask_split, ask_stages
from axisrules.advice.counterfactual import Case, Change
from axisrules.advice.verdict import Proposal, Trial, Verdict
from axisrules.diagnostics import AxisRulesError, Code, Diagnostic, catalog, render_text
from axisrules.evidence import CompareProgress, Compiling, LayoutEvidence, compare
from axisrules.mesh import Target, parse_mesh, parse_target
from axisrules.resolve import Plan, make_plan
from axisrules.rules import RuleTable, load_rules

FAST = Compiling()
# What makes two layouts the same program: the plan's digest, and how a step is run.
Key = tuple[object, ...]


@dataclass(frozen=True)
class Check:
    """One piece of advice: the code that it fires with, and what it would try, None where it has no place."""

    code: Code
    ask: Callable[[Case], Proposal | None]


CHECKS = (
    Check(catalog.MODEL_CUT_NEEDLESSLY, ask_data_parallel),
    Check(catalog.PIPELINE_UNNEEDED, ask_stages),
    Check(catalog.TENSOR_BEYOND_LINKS, ask_tensor_links),
    Check(catalog.TENSOR_TOO_WIDE, ask_tensor_ways),
    Check(catalog.PIPELINE_FOR_NETWORK, ask_pipeline),
    Check(catalog.TENSOR_OVER_NETWORK, ask_stage_across),
    Check(catalog.COMMUNICATION_TO_SAVE, ask_communication),
    Check(catalog.SEQUENCE_LEFT_WHOLE, ask_sequence),
    Check(catalog.IDLE_MESH_AXIS, ask_idle_axis),
    Check(catalog.IMBALANCE, ask_split),
    Check(catalog.STATE_LEFT_WHOLE, ask_state),
    Check(catalog.CHEAP_TO_KEEP, ask_remat),
    Check(catalog.DEAR_TO_KEEP, ask_memory),
    Check(catalog.MICROBATCHES_TO_CHANGE, ask_microbatches),
)


@dataclass(frozen=True, eq=False)
class Advice:
    """A table on a target, and the verdict on every piece of advice that has a place there."""

    base: LayoutEvidence
    verdicts: tuple[Verdict, ...]

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        """The advice that fires, what gains most first."""
        fired = [(verdict, verdict.finding) for verdict in self.verdicts]
        by_gain = sorted(fired, key=lambda pair: -_gain(pair[0]))
        return tuple(finding for _, finding in by_gain if finding is not None)


def advise(
    program: Program,
    table: str | Path | RuleTable,
    target: str | Target,
    *,
    mesh: str | None = None,
    how: Compiling = FAST,
    on_progress: CompareProgress | None = None,
) -> Advice:
    """What would make `table` faster on `target`, each change compiled and none of it run.

    Two rounds of compiles: the table, then all that might be in its place, side by side. What cannot be
    planned, compiled or put into the memory is a trial that says why. Raises AxisRulesError for a table,
    a mesh or a plan that is wrong, and AXR602 for the target `local`, which has no model of time.
    """
    rules, where = load_rules(table), target if isinstance(target, Target) else parse_target(target)
    if where.is_local:
        why = "steps on local devices have no estimate that another layout could be held against"
        fix = "name described hardware, such as tpu:v5e:2x2 or gpu:h100:1x8"
        raise AxisRulesError([catalog.BAD_ARGUMENT.at(subject="target local", why=why, fix=fix)])
    spec = where.fit(parse_mesh(mesh or rules.mesh or "data=-1"))
    plan = make_plan(program.leaves, replace(rules, mesh=str(spec)), spec)
    base = compare(program, [plan.rules], [where], how=how, on_progress=on_progress).rows[0]
    case = Case(program, plan, where, base)
    asked = [(check.code, proposal) for check in CHECKS if (proposal := check.ask(case))]
    trials = _tried(case, [one for _, proposal in asked for one in proposal.changes], how, on_progress)
    return Advice(base, tuple(_verdicts(asked, base, trials)))


def _gain(verdict: Verdict) -> float:
    best = verdict.best
    gain = verdict.gain(best) if best else None
    return 0.0 if gain is None else gain


def _verdicts(
    asked: list[tuple[Code, Proposal]], base: LayoutEvidence, trials: dict[Change, Trial]
) -> Iterator[Verdict]:
    for code, proposal in asked:
        own = tuple(trials[one] for one in proposal.changes if one in trials)
        if own:
            yield Verdict(code, proposal.because, base, own)


def _tried(
    case: Case, changes: list[Change], how: Compiling, on_progress: CompareProgress | None
) -> dict[Change, Trial]:
    """What became of every change. Equal layouts are compiled once, and what is the table itself is none."""
    ready: dict[Key, list[Change]] = {}
    trials: dict[Change, Trial] = {}
    for one in dict.fromkeys(changes):
        plan, problem = _planned(case, one)
        if plan is None or problem:
            trials[one] = Trial(one, problem=problem)
        elif _key(plan) != _key(case.plan):
            ready.setdefault(_key(plan), []).append(one)
    tables = [same[0].table for same in ready.values()]
    rows = compare(case.program, tables, [case.target], how=how, on_progress=on_progress).rows
    for same, row in zip(ready.values(), rows, strict=True):
        trials |= {one: Trial(one, *_read(row)) for one in same}
    return trials


def _planned(case: Case, one: Change) -> tuple[Plan | None, str]:
    """The plan of a change, or why it is not worth compiling: state that alone is more than the memory."""
    try:
        spec = case.target.fit(parse_mesh(one.table.mesh))
        plan = make_plan(case.program.leaves, one.table, spec)
    except AxisRulesError as error:
        return None, render_text(error.diagnostics)
    state = plan.bytes_per_device("params") + plan.bytes_per_device("optimizer")
    if state > case.memory_bytes:
        return plan, f"parameters and optimizer state alone take {state:,} of {case.memory_bytes:,} bytes"
    return plan, ""


def _key(plan: Plan) -> Key:
    table = plan.rules
    return plan.digest, str(table.remat), table.accumulate, table.pipeline


def _read(row: LayoutEvidence) -> tuple[LayoutEvidence | None, str]:
    return (row, "") if row.error is None else (None, row.error)
