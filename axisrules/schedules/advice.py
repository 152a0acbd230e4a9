"""What is worth changing in a pipeline that would run as it is: warnings, each with its numbers."""

from collections.abc import Iterator, Mapping

from axisrules.axes import MeshAxis
from axisrules.diagnostics import Diagnostic, Origin, catalog
from axisrules.schedules.balance import Split
from axisrules.schedules.choose import make_schedule
from axisrules.schedules.facts import Costs, facts
from axisrules.schedules.schedule import Schedule

MOST_BUBBLE = 0.2
MOST_IMBALANCE = 0.1
# Beyond so many microbatches a stage nobody proposes more.
MOST_TURNS = 16
# A TPU's matrix unit takes 128 rows at a time; fewer leave part of it empty.
# Source: Google Cloud, "TPU architecture": an MXU has 128 x 128 multiply-accumulators.
MATRIX_ROWS = 128


def advise_bubble(
    schedule: Schedule, costs: Costs | None = None, origin: Origin | None = None
) -> Iterator[Diagnostic]:
    """AXR760 where a device waits for more than a fifth of the step."""
    bubble = facts(schedule, costs or Costs()).bubble
    if bubble > MOST_BUBBLE:
        shape = f"{schedule.stages} stages and {schedule.microbatches} microbatches"
        why = f"with {shape} a device waits for {bubble:.0%} of the time"
        fixes = [f"microbatches = {enough}"] if (enough := _enough(schedule, costs or Costs())) else []
        if schedule.repeats == 1:
            fixes.append('schedule = "interleaved" with repeats')
        yield catalog.LARGE_BUBBLE.at(
            origin, subject=schedule.name, why=why, fix=", or ".join(fixes) or "use fewer stages"
        )


def _enough(schedule: Schedule, costs: Costs) -> int | None:
    """The least multiple of the stages by which the bubble is small enough."""
    for turn in range(1, MOST_TURNS + 1):
        count = turn * schedule.stages
        more = make_schedule(
            schedule.name, schedule.stages, count, schedule.repeats, head_rounds=schedule.head_rounds
        )
        if facts(more, costs).bubble <= MOST_BUBBLE:
            return count
    return None


def advise_need(whole_bytes: int, memory_bytes: int, origin: Origin | None = None) -> Iterator[Diagnostic]:
    """AXR761 where one device could hold what its stages hold together.

    `whole_bytes` is what a device would hold without stages: parameters, gradients and optimizer state,
    cut as they are by the other mesh axes. The other half of `memory_bytes` is left for activations.
    """
    if whole_bytes < memory_bytes / 2:
        why = f"without stages a device would hold {whole_bytes:,} bytes of its {memory_bytes:,}"
        yield catalog.PIPELINE_UNNEEDED.at(origin, why=why, fix="give the stages' devices to data or fsdp")


def advise_network(
    slices: Mapping[MeshAxis, int],
    tensor_axis: str,
    stage_axis: str | None,
    origin: Origin | None = None,
) -> Iterator[Diagnostic]:
    """AXR762 where tensor parallelism crosses slices and a pipeline could in its place.

    `slices` says how many each mesh axis crosses; `stage_axis` is None where there is no pipeline yet.
    """
    across = slices.get(MeshAxis(tensor_axis), 1)
    if across == 1 or (stage_axis and slices.get(MeshAxis(stage_axis), 1) > 1):
        return
    why = f"`{tensor_axis}` goes over {across} slices, and every layer waits for that network twice"
    fix = f"let `{stage_axis}` cross the slices: slices:{stage_axis}={across}"
    if not stage_axis:
        fix = f'let a pipeline cross them: layers = "stage", schedule = "1f1b", slices:stage={across}'
    yield catalog.TENSOR_OVER_NETWORK.at(origin, subject=tensor_axis, why=why, fix=fix)


def advise_rows(rows: int, tokens_per_row: int, origin: Origin | None = None) -> Iterator[Diagnostic]:
    """AXR763 where a microbatch has fewer tokens on a device than a matrix unit takes at once."""
    tokens = rows * tokens_per_row
    if tokens < MATRIX_ROWS:
        why = f"a microbatch has {tokens} tokens on a device, and a matrix unit takes {MATRIX_ROWS} at once"
        yield catalog.SMALL_MICROBATCH.at(origin, why=why, fix="use fewer microbatches, or a larger batch")


def advise_balance(
    split: Split,
    origin: Origin | None = None,
    fix: str = "take the split that `axisrules balance` proposes",
) -> Iterator[Diagnostic]:
    """AXR764 where the dearest stage costs a tenth more than the mean."""
    if split.imbalance > MOST_IMBALANCE:
        costs = ", ".join(f"{cost:.3g}" for cost in split.costs)
        why = f"the stages cost {costs}: the dearest is {split.imbalance:.0%} above the mean"
        yield catalog.IMBALANCE.at(origin, subject=f"split = {list(split.counts)}", why=why, fix=fix)
