"""A search under way: its journal and its file, what is shown of it, and what it ends with. Loads JAX."""

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import jax

from axisrules.cli.best_file import BestFile
from axisrules.cli.programs import NamedModel, named_model, program_of
from axisrules.cli.search_progress import FirstCandidate, SearchProgress, announce, search_progress
from axisrules.cli.training import workload_of
from axisrules.diagnostics import AxisRulesError, Origin, catalog, render_text
from axisrules.evidence import Compiling, compare
from axisrules.mesh import Target
from axisrules.rules import RuleTable
from axisrules.search import (
    Budget,
    Conclusion,
    Constraints,
    Journal,
    Measured,
    Progress,
    Scored,
    Scorer,
    SearchResult,
    Space,
    Start,
    WhatIf,
    conclude,
    find_start,
    journal_key,
    make_space,
    score,
    scored,
    search,
    timed,
    with_half_the_chips,
    with_program,
)
from axisrules.targets import compiler_problem, default_cache, installed_versions

JOURNAL_HEAD = '{"axisrules search"'


@dataclass(frozen=True)
class Found:
    """What a search ended with, and the model's name."""

    conclusion: Conclusion
    model: str


@dataclass(frozen=True)
class _Plan:
    """What is searched, with what effort, from where, and what is kept of it."""

    space: Space
    budget: Budget
    journal: Journal | None
    output: BestFile
    start: Start | None


def searched(args: Namespace, target: Target, constraints: Constraints, table: RuleTable | None) -> Found:
    """The search that `args` ask for, to its end or to an interrupt.

    Raises AxisRulesError: AXR601 and AXR602 for files and arguments, AXR803 without a compiler for the
    target, AXR901 to AXR904 for the space, and AXR907 for a table to begin with that is none.
    """
    named = named_model(args)
    program = program_of(named, args)
    check_compiler(target)
    counted = target.counted(jax.device_count()) if target.is_local else target
    space = make_space(program, counted, constraints, FirstCandidate(counted, constraints.hbm))
    start = find_start(space, table) if table else None
    budget = _budget(args, named, space)
    journal = _journal(args, space, budget)
    output = BestFile(args.output, space, journal, force=args.force)
    if args.fresh and journal:
        journal.start()
    announce(space, budget)
    before = _before(start, space, budget) if start else None
    result = _run(_Plan(space, budget, journal, output, start))
    if start and start.is_equal:
        before = next((one for one in result.scored if one.candidate == start.candidate), None)
    found = conclude(result, start, before)
    if args.what_if and result.best and not result.is_interrupted:
        found = replace(found, what_ifs=(*found.what_ifs, *_what_ifs(args, named, result, budget)))
    return Found(found, named.name)


def _what_ifs(args: Namespace, named: NamedModel, result: SearchResult, budget: Budget) -> Iterator[WhatIf]:
    """What twice the batch and half the chips would change; on local devices nothing is known of either."""
    if result.space.target.is_local:
        return
    if named.batch is None:
        doubled = program_of(named, Namespace(**{**vars(args), "batch": 2 * args.batch}))
        yield with_program(result, doubled, f"a batch of {2 * args.batch}", budget.how)
    halved = with_half_the_chips(result, budget.how)
    if halved:
        yield halved


def _run(plan: _Plan) -> SearchResult:
    first = (plan.start.candidate,) if plan.start else ()
    with search_progress(plan.space, plan.budget) as shown:
        result = search(
            plan.space,
            budget=plan.budget,
            journal=plan.journal,
            first=first,
            on_progress=_keeping(plan.output, shown),
        )
    if result.best:
        plan.output.keep(result.best)
    return result


def _keeping(output: BestFile, shown: SearchProgress) -> Callable[[Progress], None]:
    """Progress that is shown, and of which the best is written at once."""

    def on_progress(progress: Progress) -> None:
        if progress.best:
            output.keep(progress.best)
        shown.tell(progress)

    return on_progress


def check_compiler(target: Target) -> None:
    """Said before anything is searched: without a compiler every candidate would fail alike."""
    problem = None if target.is_local else compiler_problem(target.chip.platform, installed_versions())
    if problem:
        raise AxisRulesError([problem])


def _budget(args: Namespace, named: NamedModel, space: Space) -> Budget:
    how = Compiling(uses_cache=not args.no_cache, workers=args.jobs, timeout_seconds=args.timeout)
    is_local = space.target.is_local
    scorer: Scorer = Measured(workload_of(named, args)) if is_local else score
    return Budget(
        compiles=args.compiles,
        seconds=args.seconds,
        finalists=args.full_finalists,
        how=how,
        # What is run has the devices to itself, so one after the other is told at once.
        side_by_side=1 if is_local else max(args.jobs or 0, 4),
        scorer=scorer,
    )


def _journal(args: Namespace, space: Space, budget: Budget) -> Journal | None:
    """The journal, in the cache where no other place is named; None, and AXR809 on stderr, without a place.

    Raises AxisRulesError (AXR601) for a file of `--journal` that is something else.
    """
    mode = "fast" if budget.scorer is score else f"measured on {jax.devices()[0].device_kind}"
    key = journal_key(space, mode)
    path: Path = args.journal or default_cache() / "searches" / f"{key}.jsonl"
    if args.journal and not args.force and not _is_replaceable(path):
        fix = "name another file, or replace it with --force"
        raise AxisRulesError([catalog.REFUSED_OUTPUT.at(Origin(str(path)), why="it is no journal", fix=fix)])
    problem = _unwritable(path)
    if problem:
        fix = "name a file that can be written with --journal"
        why = f"{problem}; an interrupted search would begin anew"
        print(render_text([catalog.CACHE_UNUSABLE.at(subject=str(path), why=why, fix=fix)]), file=sys.stderr)
        return None
    return Journal(path, key)


def _is_replaceable(path: Path) -> bool:
    """Whether nothing is lost when a journal is begun there."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
    return not text or text.startswith(JOURNAL_HEAD)


def _unwritable(path: Path) -> str:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return error.strerror or str(error)
    place = path if path.exists() else path.parent
    return "" if os.access(place, os.W_OK) else f"{place} cannot be written"


def _before(start: Start, space: Space, budget: Budget) -> Scored | None:
    """What the user's table costs as it stands; None where a candidate is equal, which is compiled anyway."""
    if start.is_equal:
        return None
    if isinstance(budget.scorer, Measured):
        row = budget.scorer.run(start.table, budget.scorer.few, lambda _: None)
        return timed(Scored(start.candidate), row)
    rows = compare(space.program, [start.table], [space.target], how=budget.how).rows
    return scored(start.candidate, rows[0])
