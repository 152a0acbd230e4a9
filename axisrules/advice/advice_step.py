"""Advice on how a step is run: what is recomputed, in how many parts, and how the layers are split."""

from collections.abc import Iterator
from dataclasses import replace

from axisrules.advice.axis_roles import layer_count
from axisrules.advice.counterfactual import Case, Change, change, given_away
from axisrules.advice.verdict import Proposal
from axisrules.diagnostics import AxisRulesError
from axisrules.pipeline import weigh_program
from axisrules.rules import NO_REMAT, Accumulate, PipelineRules, RuleTable, named_remat
from axisrules.schedules import balance, even_split, facts, make_schedule

ATTENTION, FULL = "attention", "full"


def ask_remat(case: Case) -> Proposal | None:
    """AXR780 with evidence: the table recomputes, and keeping more may fit."""
    policies = case.table.remat
    if not policies:
        return None
    changes = [_with_remat(case, NO_REMAT)]
    if policies != named_remat(ATTENTION):
        changes.append(_with_remat(case, ATTENTION))
    shown = ", ".join(map(str, policies))
    return Proposal(f"the backward pass computes anew: {shown}", tuple(changes))


def ask_memory(case: Case) -> Proposal | None:
    """AXR781 with evidence: the table does not fit, and recomputing might make it."""
    if case.evidence.fits is not False:
        return None
    wanted = [name for name in (ATTENTION, FULL) if (case.table.remat or ()) != named_remat(name)]
    kept = f"all but {', '.join(map(str, case.table.remat))}" if case.table.remat else "every activation"
    why = f"the backward pass finds {kept} in the memory"
    return Proposal(why, tuple(_with_remat(case, name) for name in wanted))


def ask_microbatches(case: Case) -> Proposal | None:
    """AXR925: half or twice as many microbatches, of a pipeline or of an accumulated gradient."""
    changes = (*_other_pipeline_counts(case), *_other_accumulation(case))
    if not changes:
        return None
    accumulate, stage = case.table.accumulate or Accumulate(1), case.roles.stage
    parts = []
    if accumulate.microbatches > 1:
        parts.append(f"the gradient is summed over {accumulate.microbatches} parts")
    elif case.evidence.fits is False:
        parts.append("the gradient of the whole batch is taken at once")
    if stage:
        pipeline = case.table.pipeline
        stages, count = case.mesh.shape[stage], _pipeline_count(case)
        schedule = make_schedule(pipeline.schedule or "", stages, count, pipeline.repeats or 1)
        bubble = f"the schedule's bubble is {facts(schedule).bubble:.0%}"
        parts.append(f"{stages} stages take {count} microbatches, and {bubble}")
    return Proposal("; ".join(parts), changes)


def ask_split(case: Case) -> Proposal | None:
    """AXR764 with evidence: the layers may lie otherwise over a pipeline's stages."""
    stage = case.roles.stage
    layers = layer_count(case.plan)
    if stage is None or not layers:
        return None
    places = case.mesh.shape[stage] * (case.table.pipeline.repeats or 1)
    given = case.table.pipeline.split or (layers // places,) * places
    try:
        weights = weigh_program(case.program)
    except AxisRulesError:
        return None  # a program whose layers no pipeline can cut has no pipeline to be split otherwise
    costs, head = [1.0] * layers, weights.head_layers
    splits = {
        even_split(costs, places).counts,
        balance(costs, places, first=weights.front_layers, last=head).counts,
        balance(costs, places, first=weights.front_layers).counts,
    }
    changes = tuple(_with_split(case, counts) for counts in sorted(splits) if counts != tuple(given))
    why = f"the stages have {', '.join(map(str, given))} layers, and the head costs as much as {head:.2g}"
    return Proposal(why, changes) if changes else None


def ask_stages(case: Case) -> Proposal | None:
    """AXR761 with evidence: the model may fit without the pipeline."""
    stage = case.roles.stage
    if stage is None:
        return None
    changes = tuple(
        change(
            case,
            f"`{to}` in the place of the pipeline",
            mesh=given_away(case, {stage: 1}, to),
            drops_pipeline=True,
        )
        for to in case.roles.rows
    )
    why = f"`{stage}` takes {case.mesh.shape[stage]} devices, which wait for each other"
    return Proposal(why, changes) if changes else None


def _with_remat(case: Case, name: str) -> Change:
    on_top = RuleTable(remat=named_remat(name))
    words = "nothing recomputed" if name == NO_REMAT else f"{name} recomputed"
    return change(case, words, on_top=on_top)


def _with_split(case: Case, counts: tuple[int, ...]) -> Change:
    words = f"stages of {', '.join(map(str, counts))} layers"
    return change(case, words, on_top=RuleTable(pipeline=PipelineRules(split=counts)))


def _pipeline_count(case: Case) -> int:
    assert case.roles.stage
    return case.table.pipeline.microbatches or case.mesh.shape[case.roles.stage]


def _other_pipeline_counts(case: Case) -> Iterator[Change]:
    if case.roles.stage is None:
        return
    count, rows = _pipeline_count(case), case.shard_rows
    parts = case.table.accumulate.microbatches if case.table.accumulate else 1
    for other in (count // 2, count * 2):
        if other and count % other in (0, count) and rows % (other * parts) == 0:
            on_top = RuleTable(pipeline=PipelineRules(microbatches=other))
            yield change(case, f"{other} microbatches in the pipeline", on_top=on_top)


def _other_accumulation(case: Case) -> Iterator[Change]:
    accumulate = case.table.accumulate or Accumulate(1)
    count = accumulate.microbatches
    if count == 1 and case.evidence.fits is not False:
        return  # parts of a batch are for memory
    for other in dict.fromkeys((1, count // 2, count * 2, *((count * 4,) if count == 1 else ()))):
        if 0 < other != count and case.shard_rows % other == 0:
            on_top = RuleTable(accumulate=replace(accumulate, microbatches=other))
            words = f"the gradient summed over {other} parts" if other > 1 else "no accumulation"
            yield change(case, words, on_top=on_top)
