"""`axisrules schedule`: draws a pipeline schedule, or compares several, before anything runs."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from axisrules.cli.arguments import add_json, cost, positive
from axisrules.cli.console import print_findings, print_json, print_report
from axisrules.cli.output import write_output
from axisrules.cli.stage_costs import StageCosts, read_costs
from axisrules.diagnostics import AxisRulesError, Origin, catalog
from axisrules.schedules import SCHEDULES, Costs, Schedule, advise_bubble, make_schedule

SUMMARY = "draw a pipeline schedule, or compare several"
EXAMPLES = """\
examples:
  axisrules schedule --stages 4 --microbatches 16
  axisrules schedule --stages 4 --microbatches 16 --schedule interleaved --repeats 2 --svg schedule.svg
  axisrules schedule --stages 4 --microbatches 4 8 16 32 --schedule gpipe 1f1b interleaved --repeats 2
  axisrules schedule --stages 4 --microbatches 8 16 --forward 2.1 --backward 2.2 --weight 2 --per-tick 0.3
  axisrules schedule --stages 4 --microbatches 4 8 16 --costs costs.json --spread-head"""

COSTS = {
    "forward": "time that a device's layers take for one microbatch forward",
    "backward": "the same backward, for the gradients of the inputs",
    "weight": "the same for the gradients of the weights",
    "per_tick": "time that every tick costs besides: sending, starting kernels",
    "head": "time of the loss and its gradient for one microbatch",
    "imbalance": "by how much the dearest device is above the mean: 0.1 for a tenth",
}
# In a pipe nobody folds lines, and a schedule is read whole.
WIDE = 400


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `axisrules schedule`."""
    parser.add_argument("--stages", type=positive, required=True, metavar="N", help="devices in a row")
    parser.add_argument(
        "--microbatches",
        type=positive,
        nargs="+",
        required=True,
        metavar="N",
        help="into how many parts the batch is cut; several to compare",
    )
    parser.add_argument(
        "--schedule",
        nargs="+",
        default=["1f1b"],
        metavar="NAME",
        help=f"one of {', '.join(SCHEDULES)}; several to compare (default: 1f1b)",
    )
    parser.add_argument(
        "--repeats", type=positive, default=1, metavar="N", help="stages on a device, for interleaved"
    )
    parser.add_argument(
        "--spread-head", action="store_true", help="share the work of the head among the devices"
    )
    defaults = Costs()
    for name, purpose in COSTS.items():
        default = getattr(defaults, name)
        words = f"{purpose} (default: {default:g})"
        parser.add_argument(f"--{name.replace('_', '-')}", type=cost, metavar="TIME", help=words)
    parser.add_argument(
        "--costs",
        type=Path,
        metavar="FILE",
        help="measured costs, as `axisrules balance --measure --json` prints them; options go before",
    )
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the schedule into FILE as SVG")
    parser.add_argument("--force", action="store_true", help="replace FILE where it exists")
    add_json(parser)


def run(args: Namespace) -> int:
    """0; raises AxisRulesError: AXR750 and AXR751 for a schedule, AXR602 for a picture of several.

    And AXR602 for a file of costs that has none for these stages and microbatches.
    """
    costs = read_costs(args.costs, {name: getattr(args, name) for name in COSTS})
    made = [_made(args, name, count) for name in args.schedule for count in args.microbatches]
    shown = tuple((one, costs.of(one)) for one in made)
    if len(made) > 1:
        return _compare(args, shown, costs)
    from axisrules.report import SchedulePicture

    picture = SchedulePicture(*shown[0], costs.unit)
    if args.svg:
        write_output(args.svg, picture.to_svg(), force=args.force)
    if args.json:
        print_json(picture.to_json())
    elif not args.svg:
        print_report(picture, piped_width=WIDE)
        print_findings(advise_bubble(*shown[0], Origin("--microbatches")))
    return 0


def _made(args: Namespace, name: str, microbatches: int) -> Schedule:
    head_rounds = args.stages if args.spread_head else 0
    repeats = args.repeats if name == "interleaved" or len(args.schedule) == 1 else 1
    return make_schedule(
        name, args.stages, microbatches, repeats, head_rounds=head_rounds, origin=Origin("--schedule")
    )


def _compare(args: Namespace, shown: tuple[tuple[Schedule, Costs], ...], costs: StageCosts) -> int:
    if args.svg:
        why = f"{len(shown)} schedules are compared, and a picture shows one"
        fix = "name one schedule and one number of microbatches"
        raise AxisRulesError([catalog.BAD_ARGUMENT.at(Origin("--svg"), why=why, fix=fix)])
    from axisrules.report import ScheduleTable

    table = ScheduleTable(shown, costs.unit)
    if args.json:
        print_json(table.to_json())
    else:
        print_report(table, piped_width=WIDE)
    return 0
