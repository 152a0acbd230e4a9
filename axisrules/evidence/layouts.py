"""The layout XLA chose for every argument, result and constrained activation, held against the plan."""

from collections.abc import Iterator
from dataclasses import dataclass

from axisrules.analysis import (
    Instruction,
    Module,
    read_sharding,
    split_shardings,
    tiling_of_spec,
)
from axisrules.evidence.attribute import Numbering, scoped_activations
from axisrules.resolve import Because, LeafPlan

CONSTRAINT = "sharding_constraint"


@dataclass(frozen=True)
class LayoutCheck:
    """One array of the program: what the plan asked for and what XLA settled on, as XLA writes it.

    `place` is `argument`, `result` or `activation`. `is_as_planned` is None where XLA's text fixes no
    layout that could be compared.
    """

    place: str
    leaf_plan: LeafPlan
    chosen: str
    is_as_planned: bool | None

    @property
    def name(self) -> str:
        """The kind and path of the array."""
        return f"{self.leaf_plan.leaf.kind}:{self.leaf_plan.path}"


def check_layouts(partitioned: Module, numbering: Numbering) -> tuple[LayoutCheck, ...]:
    """A check for every array that the plan lays out and the program shows.

    `partitioned` is the program as it goes into XLA's partitioner, every layout decided. Dims without
    a logical axis are XLA's to choose and are not compared; nor are constraints inside a vmap, which
    have a dim more than the model says.
    """
    return (
        *_arguments(partitioned, numbering),
        *_results(partitioned, numbering),
        *_activations(partitioned, numbering),
    )


def _arguments(module: Module, numbering: Numbering) -> Iterator[LayoutCheck]:
    for number, instruction in sorted(module.entry.parameters.items()):
        leaf_plan = numbering.argument(number)
        if leaf_plan:
            yield _check("argument", leaf_plan, instruction.attribute("sharding"), numbering)


def _results(module: Module, numbering: Numbering) -> Iterator[LayoutCheck]:
    text = module.entry.root.attribute("sharding")
    parts = split_shardings(text) if module.entry.root.shape.is_tuple else (text,)
    for number, chosen in enumerate(parts):
        leaf_plan = numbering.result(number)
        if leaf_plan:
            yield _check("result", leaf_plan, chosen, numbering)


def _activations(module: Module, numbering: Numbering) -> Iterator[LayoutCheck]:
    seen = set()
    for _, instruction in module.instructions():
        if not _is_constraint(instruction):
            continue
        for leaf_plan in scoped_activations(instruction.op_name, numbering)[:1]:
            chosen = instruction.attribute("sharding")
            if instruction.shape.dims == leaf_plan.leaf.shape and (leaf_plan, chosen) not in seen:
                seen.add((leaf_plan, chosen))
                yield _check("activation", leaf_plan, chosen, numbering)


def _is_constraint(instruction: Instruction) -> bool:
    """Whether it is a constraint of the forward pass; the backward pass lays out gradients alike."""
    return instruction.op_name.endswith(f"/{CONSTRAINT}") and "transpose(" not in instruction.op_name


def _check(place: str, leaf_plan: LeafPlan, chosen: str, numbering: Numbering) -> LayoutCheck:
    mesh = numbering.plan.mesh
    found = read_sharding(chosen, len(leaf_plan.spec), mesh.device_count)
    if found is None:
        return LayoutCheck(place, leaf_plan, chosen, None)
    fixed = [reason.dim for reason in leaf_plan.resolution.dims if reason.because is not Because.UNNAMED]
    wanted = tiling_of_spec(leaf_plan.spec, mesh)
    return LayoutCheck(place, leaf_plan, chosen, found.dims(fixed) == wanted.dims(fixed))
