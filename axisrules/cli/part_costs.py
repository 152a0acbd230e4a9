"""What the parts of a model cost, as `axisrules balance` is told, counts or measures it."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from axisrules.cli.virtual_devices import set_up_devices
from axisrules.diagnostics import AxisRulesError, Origin, catalog
from axisrules.rules import NO_REMAT
from axisrules.schedules import PartCosts

if TYPE_CHECKING:
    from axisrules.pipeline import ModelCosts


@dataclass(frozen=True)
class Measured:
    """Costs in `unit`, and where they were measured, those of each number of microbatches."""

    parts: PartCosts
    unit: str
    models: "tuple[tuple[int, ModelCosts], ...]" = ()

    def to_json(self, counts: Sequence[int], stages: int) -> dict[str, Any]:
        """What `axisrules schedule --costs` reads: the costs of a stage with the proposed split."""
        measured = [
            {
                "microbatches": microbatches,
                "rows": model.rows,
                "device": model.device,
                "parts": {name: asdict(getattr(model, name)) for name in ("front", "layer", "head")},
                "stage_costs": asdict(model.of_stages(counts, stages)),
            }
            for microbatches, model in self.models
        ]
        return {"measured": measured}


def given_costs(
    costs: Sequence[float], first: float | None, last: float | None, *, is_spread: bool
) -> Measured:
    """Costs as the arguments say."""
    return Measured(PartCosts(tuple(costs), first or 0.0, last or 0.0, is_spread), "your unit")


def modelled_costs(args: Namespace, *, is_spread: bool) -> Measured:
    """Costs in layers, from the FLOPs of the traced loss."""
    set_up_devices(1, None)
    from axisrules.cli.programs import read_named_program
    from axisrules.pipeline import model_costs, weigh_program

    model = _by_policy(model_costs(weigh_program(read_named_program(args))), args)
    return Measured(_overridden(model.parts(is_spread=is_spread), args), "layers")


def measured_costs(args: Namespace, *, is_spread: bool) -> Measured:
    """Costs in milliseconds of one microbatch, timed here; the split goes by the first number of them."""
    set_up_devices(1, None)
    from axisrules.cli.programs import read_named_program
    from axisrules.pipeline import batch_rows, measure_program

    program = read_named_program(args)
    rows, counts = batch_rows(program), args.microbatches or [args.stages]
    for count in counts:
        if rows % count:
            why = f"the batch has {rows} rows, which {count} microbatches do not divide"
            found = catalog.MICROBATCH_SPLIT.at(Origin("--microbatches"), why=why, fix="use another number")
            raise AxisRulesError([found])
    models = tuple((count, _by_policy(measure_program(program, rows // count), args)) for count in counts)
    parts = models[0][1].parts(is_spread=is_spread)
    scaled = replace(
        parts,
        layers=tuple(1e3 * seconds for seconds in parts.layers),
        first=1e3 * parts.first,
        last=1e3 * parts.last,
    )
    return Measured(_overridden(scaled, args), "ms", models)


def _by_policy(model: "ModelCosts", args: Namespace) -> "ModelCosts":
    return model.keeping_all() if args.remat == NO_REMAT else model


def _overridden(parts: PartCosts, args: Namespace) -> PartCosts:
    """The same with `--first` and `--last` in their places, where they are given."""
    first = parts.first if args.first is None else args.first
    last = parts.last if args.last is None else args.last
    return replace(parts, first=first, last=last)
