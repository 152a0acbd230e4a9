"""A table's pipeline held against the program and the mesh: what must fit is checked before it runs."""

from collections.abc import Sequence
from dataclasses import replace

from jax.sharding import AbstractMesh, Mesh

from axisrules.adapters import Program
from axisrules.axes import MeshAxis
from axisrules.diagnostics import AxisRulesError, Diagnostic, catalog
from axisrules.pipeline.engine import Manual
from axisrules.pipeline.inputs import Inputs, read_inputs
from axisrules.pipeline.keeping import read_keeping
from axisrules.pipeline.layout import StageLayout
from axisrules.pipeline.loss import cut_loss
from axisrules.pipeline.objective import Objective
from axisrules.pipeline.weigh import weigh
from axisrules.resolve import Plan
from axisrules.rules import STAGED_AXES, PipelineRules
from axisrules.schedules import make_schedule

# Every stage waits for the head where the last one has it alone; below this part of a stage's own work
# that is cheaper than to send a microbatch once round all stages.
WORTH_SPREADING = 0.1


def make_objective(program: Program, plan: Plan, mesh: Mesh | AbstractMesh) -> Objective | None:
    """The loss of `program` as the pipeline of the plan's table computes it; None where there is no pipeline.

    There is none without a `schedule`, and on a mesh that lacks an optional stage axis. Raises
    AxisRulesError: AXR750 and AXR751 for the schedule, AXR752 to AXR754 for layers, rows and stages that it
    does not fit, AXR755 for a program without a dim of layers, AXR772 and AXR776 for what `remat` says.
    """
    wanted = plan.rules.pipeline
    if wanted.schedule is None:
        return None
    stage_axis = _stage_axis(plan)
    if stage_axis not in plan.mesh.shape:
        return None
    stages = plan.mesh.shape[stage_axis]
    inputs = read_inputs(program)
    repeats = wanted.repeats or 1
    accumulate = plan.rules.accumulate
    microbatches = (wanted.microbatches or stages) * (accumulate.microbatches if accumulate else 1)
    schedule = make_schedule(wanted.schedule, stages, microbatches, repeats, origin=wanted.origin)
    layout = _layout(wanted, _layer_count(program, wanted, inputs), stages, repeats)
    manual = Manual(stage_axis, _data_axes(plan, inputs, stage_axis), stages)
    keeping = read_keeping(plan.rules.remat, layout)
    objective = Objective(program, mesh, manual, layout, schedule, inputs, keeping)
    _check_rows(wanted, inputs, objective.shards, microbatches)
    return _with_head(objective)


def _with_head(objective: Objective) -> Objective:
    """The same with the head's work shared among the stages, where it can be and is worth a message more."""
    schedule, rows = objective.schedule, objective.microbatch_rows
    if schedule.stages == 1 or rows % schedule.stages or not objective.travels_by_rows:
        return objective
    weights = weigh(objective.whole[1])
    if weights.head < WORTH_SPREADING * weights.layer * objective.layout.depth:
        return objective
    spread = make_schedule(
        schedule.name,
        schedule.stages,
        schedule.microbatches,
        schedule.repeats,
        head_rounds=schedule.stages,
    )
    return replace(objective, schedule=spread)


def _stage_axis(plan: Plan) -> MeshAxis:
    """The mesh axis that the table maps layers to."""
    pipeline = plan.rules.pipeline
    for rule in plan.rules.rules:
        if rule.logical_axis in STAGED_AXES and rule.mesh_axes:
            if len(rule.mesh_axes) > 1:
                why = f"`{rule.logical_axis}` goes over {rule.target}, and stages lie along one mesh axis"
                raise AxisRulesError([catalog.NO_STAGE_AXIS.at(rule.origin, why=why)])
            return rule.mesh_axes[0]
    why = f'the table has schedule = "{pipeline.schedule}", and no rule maps `layers` to a mesh axis'
    fix = 'map the layers, such as layers = "stage", or leave the schedule out'
    raise AxisRulesError([catalog.NO_STAGE_AXIS.at(pipeline.origin, why=why, fix=fix)])


def _layer_count(program: Program, wanted: PipelineRules, inputs: Inputs) -> int:
    """How many layers there are: the size of the dim that stacks them, or how many stand in a list."""
    sizes = {inputs.paths[at]: inputs.shapes[at].shape[dim] for at, dim in inputs.layer_dims.items()}
    if not sizes:
        return cut_loss(program, inputs)[0].trace.loop.length
    if len(set(sizes.values())) > 1:
        first, other = sorted(sizes, key=lambda path: sizes[path])[:: len(sizes) - 1]
        why = f"`{first}` has {sizes[first]} layers and `{other}` has {sizes[other]}"
        raise AxisRulesError([catalog.NO_LAYER_LOOP.at(wanted.origin, why=why)])
    return next(iter(sizes.values()))


def _layout(wanted: PipelineRules, layers: int, stages: int, repeats: int) -> StageLayout:
    """How the layers lie over virtual stages."""
    places = stages * repeats
    counts = wanted.split or (layers // places,) * places
    problem = _split_problem(counts, layers, places, given=wanted.split is not None)
    if problem:
        raise AxisRulesError([_misfit(wanted, problem, layers, places)])
    return StageLayout(stages, repeats, tuple(counts))


def _split_problem(counts: Sequence[int], layers: int, places: int, *, given: bool) -> str:
    if layers < places:
        return f"there are {layers} layers for {places} stages"
    if not given and layers % places:
        return f"{layers} layers do not divide into {places} equal stages, and the table has no `split`"
    if len(counts) != places:
        return f"split has {len(counts)} entries for {places} stages"
    if sum(counts) != layers:
        return f"split adds up to {sum(counts)}, and there are {layers} layers"
    return ""


def _misfit(wanted: PipelineRules, why: str, layers: int, places: int) -> Diagnostic:
    even = [layers // places + (at < layers % places) for at in range(places)]
    fix = "use fewer stages" if layers < places else f"split = {even}, or let `axisrules balance` propose one"
    return catalog.STAGE_SPLIT.at(wanted.origin, why=why, fix=fix)


def _data_axes(plan: Plan, inputs: Inputs, stage_axis: MeshAxis) -> tuple[MeshAxis, ...]:
    """The mesh axes that cut the batch's rows."""
    found: tuple[MeshAxis, ...] = ()
    for at, dim in inputs.row_dims.items():
        axes = plan.by_path["batch", inputs.paths[at]].spec[dim]
        if stage_axis in axes:
            why = f"rows of the batch are cut over `{stage_axis}`, which has the stages"
            raise AxisRulesError([catalog.NO_STAGE_AXIS.at(plan.rules.pipeline.origin, why=why)])
        found = axes or found
    return found


def _check_rows(wanted: PipelineRules, inputs: Inputs, shards: int, microbatches: int) -> None:
    own = inputs.rows // shards
    if own % microbatches:
        why = f"the batch has {inputs.rows} rows, {own} on each of {shards} data shards; {microbatches}"
        fits = [n for n in range(1, own + 1) if own % n == 0]
        fix = f"microbatches = {min(fits, key=lambda n: abs(n - microbatches))}, or another batch"
        found = catalog.MICROBATCH_SPLIT.at(
            wanted.origin, why=f"{why} microbatches do not divide them", fix=fix
        )
        raise AxisRulesError([found])
