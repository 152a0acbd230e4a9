"""From the text of a compiled step to everything that is known of its layout."""

from collections.abc import Iterator

from axisrules.analysis import (
    Ledger,
    Memory,
    Module,
    StepEstimate,
    count_flops,
    describe_machine,
    estimate_step,
    read_ledger,
    read_memory,
    read_module,
)
from axisrules.diagnostics import Diagnostic
from axisrules.evidence.attribute import Numbering, attribute
from axisrules.evidence.layouts import LayoutCheck, check_layouts
from axisrules.evidence.lints import (
    lint_gradients,
    lint_idle_axes,
    lint_layouts,
    lint_loops,
    lint_padding,
    lint_rematerializations,
    lint_share,
    lint_slow_network,
    lint_unasked,
)
from axisrules.evidence.pipeline import advise_slices, find_pipeline
from axisrules.evidence.result import LayoutEvidence
from axisrules.partition import FlatStep
from axisrules.targets import CompiledStep


def read_step(flat: FlatStep, step: CompiledStep) -> LayoutEvidence:
    """The evidence that a compiled step gives of its layout; its time is the cost model's.

    Bytes of parameters, optimizer state and gradients are the plan's; everything else is read from the
    program. On local devices there is no estimate, since they can be measured.
    """
    plan, module = flat.partitioner.plan, read_module(step.module_text)
    numbering = Numbering(plan, flat.arguments, flat.results)
    islands = tuple(place.island for place in step.places)
    read = read_ledger(module, step.mesh, platform=step.target.platform, islands=islands)
    ledger = attribute(read, module, numbering)
    memory = read_memory(step.buffers_text, platform=step.target.platform)
    estimate = None if step.target.is_local else _estimate(module, ledger, step)
    partitioned, checks = _checked(module, step, numbering)
    hbm_bytes = None if step.target.is_local else step.target.chip.compile_limit_bytes
    pipeline = find_pipeline(flat.partitioner)
    findings = (
        *lint_layouts(checks),
        *lint_rematerializations(step.messages, partitioned),
        *_lints(ledger, estimate, numbering),
        *lint_padding(memory, numbering),
        *advise_slices(plan.rules, plan.mesh),
        *(pipeline.advice(hbm_bytes) if pipeline else ()),
    )
    return LayoutEvidence(
        rules=plan.rules.name,
        mesh=plan.mesh,
        target=step.target,
        mode=step.mode,
        plan=plan,
        ledger=ledger,
        memory=memory,
        estimate=estimate,
        flops=count_flops(module),
        param_bytes=plan.bytes_per_device("params"),
        optimizer_bytes=plan.bytes_per_device("optimizer"),
        gradient_bytes=plan.bytes_per_device("gradients"),
        temporary_bytes=memory.temp_bytes,
        host_bytes=memory.host_bytes,
        needed_bytes=_needed_bytes(step, memory),
        hbm_bytes=hbm_bytes,
        pipeline=pipeline.facts if pipeline else None,
        step_seconds=estimate.seconds if estimate else None,
        device_coords=tuple(_coordinates(step)),
        checks=checks,
        compile_seconds=step.wall_seconds,
        is_cached=step.is_cached,
        findings=(*step.notes, *findings),
    )


def _checked(
    module: Module, step: CompiledStep, numbering: Numbering
) -> tuple[Module, tuple[LayoutCheck, ...]]:
    """The program as it went into the partitioner, and the layouts that it has for every array.

    Nothing is partitioned for one device, and nothing is laid out.
    """
    if not step.partitioned_text:
        return module, ()
    partitioned = read_module(step.partitioned_text)
    return partitioned, check_layouts(partitioned, numbering)


def _estimate(module: Module, ledger: Ledger, step: CompiledStep) -> StepEstimate:
    return estimate_step(module, ledger, step.mesh, describe_machine(step.target, step.places))


def _lints(ledger: Ledger, estimate: StepEstimate | None, numbering: Numbering) -> Iterator[Diagnostic]:
    yield from lint_unasked(ledger)
    yield from lint_gradients(ledger, numbering.plan)
    yield from lint_slow_network(ledger)
    yield from lint_loops(ledger, numbering.plan)
    yield from lint_idle_axes(numbering.plan)
    if estimate:
        yield from lint_share(estimate)


def _needed_bytes(step: CompiledStep, memory: Memory) -> int:
    """What a device needs: the compiler's own word where it got so far, else its buffer assignment's."""
    if step.shortfall:
        return step.shortfall.needed_bytes
    return step.memory.total_bytes if step.memory else memory.total_bytes


def _coordinates(step: CompiledStep) -> Iterator[tuple[int, ...]]:
    """Every device's place: its slice if there are several, its chip, its core if chips have several."""
    islands = {place.island for place in step.places}
    cores = {place.core for place in step.places}
    for place in step.places:
        island = (place.island,) if len(islands) > 1 and step.target.platform == "tpu" else ()
        core = (place.core,) if len(cores) > 1 else ()
        yield (*island, *place.coords, *core)
