"""`axisrules balance`: how many layers each pipeline stage should have."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from axisrules.cli.arguments import add_json, add_model, cost, positive
from axisrules.cli.console import print_findings, print_json, print_report
from axisrules.cli.part_costs import Measured, given_costs, measured_costs, modelled_costs
from axisrules.diagnostics import AxisRulesError, Origin, catalog
from axisrules.rules import LAYERS, NO_REMAT
from axisrules.schedules import PartCosts, Split, advise_balance

SUMMARY = "propose how many layers each pipeline stage has"
EXAMPLES = """\
examples:
  axisrules balance --stages 4
  axisrules balance --model my_package.model:make_model --stages 4 --json
  axisrules balance --stages 4 --measure --microbatches 4 8 16 --json > costs.json
  axisrules balance --stages 4 --costs 1 1 1 1 1 1 1 1 --first 0.2 --last 2.6
  axisrules balance --stages 4 --costs 1 1 1 1 1 1 1 1 --last 2.6 --head last"""

MORE = "let all stages share the head, as pipelines here do: leave out --head last"
FEWER = "use fewer stages, or cut the dearest layers smaller"
EVEN, BALANCED, GIVEN = "even", "balanced", "as it is"


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `axisrules balance`."""
    parser.add_argument("--stages", type=positive, required=True, metavar="N", help="devices in a row")
    parser.add_argument(
        "--repeats", type=positive, default=1, metavar="N", help="stages on a device, for interleaved"
    )
    add_model(parser, default="the built-in decoder")
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--measure",
        action="store_true",
        help="time each part on a device that is here (default: count the FLOPs of each)",
    )
    source.add_argument(
        "--costs", type=cost, nargs="+", metavar="COST", help="what each layer costs, as you measured it"
    )
    parser.add_argument(
        "--microbatches",
        type=positive,
        nargs="+",
        metavar="N",
        help="into how many parts the batch is cut, for --measure (default: as many as stages)",
    )
    parser.add_argument("--first", type=cost, metavar="COST", help="what comes before the layers costs")
    parser.add_argument("--last", type=cost, metavar="COST", help="what the head costs")
    parser.add_argument(
        "--head",
        choices=("spread", "last"),
        default="spread",
        help="shared by all stages, as pipelines here run it, or alone on the last one (default: spread)",
    )
    parser.add_argument(
        "--remat",
        choices=(LAYERS, NO_REMAT),
        default=LAYERS,
        help="whether the backward pass computes every layer again, or none (default: full)",
    )
    parser.add_argument(
        "--split", type=int, nargs="+", metavar="LAYERS", help="a split of yours to hold against the others"
    )
    add_json(parser)


def run(args: Namespace) -> int:
    """0; raises AxisRulesError: AXR752 for layers that do not fit, AXR755 for a model without layers.

    AXR753 for microbatches that do not divide the batch, AXR602 for arguments that do not go together.
    """
    measured = _costs(args)
    parts = measured.parts
    _check(args, len(parts.layers))
    splits = tuple(_splits(args, parts))
    # Where balancing gains nothing, the table needs no line.
    ours = [entry for entry in splits if entry[0] != GIVEN]
    proposed = min(ours, key=lambda entry: entry[1].bottleneck)[0]
    from axisrules.report import BalanceTable

    table = BalanceTable(splits, parts, measured.unit, proposed, args.stages)
    if args.json:
        print_json(table.to_json() | measured.to_json(dict(splits)[proposed].counts, args.stages))
    else:
        print_report(table)
        print_findings(advise_balance(dict(splits)[proposed], fix=MORE if args.head == "last" else FEWER))
    return 0


def _costs(args: Namespace) -> Measured:
    is_spread = args.head == "spread"
    if args.costs:
        return given_costs(args.costs, args.first, args.last, is_spread=is_spread)
    if args.measure:
        return measured_costs(args, is_spread=is_spread)
    return modelled_costs(args, is_spread=is_spread)


def _splits(args: Namespace, parts: PartCosts) -> Iterator[tuple[str, Split]]:
    yield EVEN, parts.even(args.stages, args.repeats)
    if args.split:
        yield GIVEN, parts.split(args.split, args.stages)
    yield BALANCED, parts.balanced(args.stages, args.repeats)


def _check(args: Namespace, layers: int) -> None:
    """Raise AxisRulesError where there are too few layers, or where `--split` does not have them all."""
    places, given = args.stages * args.repeats, args.split
    if layers < places:
        why, fix = f"there are {layers} layers for {places} stages", "use fewer stages"
        raise AxisRulesError([catalog.STAGE_SPLIT.at(Origin("--stages"), why=why, fix=fix)])
    if given and (len(given) != places or sum(given) != layers or min(given) < 0):
        why = f"{given} has {len(given)} stages and {sum(given)} layers, of {places} and {layers}"
        raise AxisRulesError([catalog.STAGE_SPLIT.at(Origin("--split"), why=why)])
