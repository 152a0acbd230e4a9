"""`axisrules balance`: how many layers each pipeline stage should have."""

from argparse import ArgumentParser, Namespace

from axisrules.cli.arguments import add_json, add_model, positive
from axisrules.cli.console import print_findings, print_json, print_report
from axisrules.diagnostics import AxisRulesError, Origin, catalog
from axisrules.schedules import Split, advise_balance, balance, even_split

SUMMARY = "propose how many layers each pipeline stage has"
EXAMPLES = """\
examples:
  axisrules balance --stages 4
  axisrules balance --model my_package.model:make_model --stages 4 --json
  axisrules balance --stages 4 --costs 1 1 1 1 1 1 1 1 --first 0.2 --last 2.6"""

EVEN, BALANCED, SPREAD = "even", "balanced", "even, head spread"


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `axisrules balance`."""
    parser.add_argument("--stages", type=positive, required=True, metavar="N", help="stages in all")
    add_model(parser, default="the built-in decoder")
    parser.add_argument(
        "--costs", type=_cost, nargs="+", metavar="COST", help="what each layer costs, as you measured it"
    )
    parser.add_argument(
        "--first", type=_cost, metavar="COST", help="what the first stage has besides: the embedding"
    )
    parser.add_argument(
        "--last", type=_cost, metavar="COST", help="what the last stage has besides: the head"
    )
    add_json(parser)


def run(args: Namespace) -> int:
    """0; raises AxisRulesError: AXR752 for more stages than layers, AXR755 for a model without layers."""
    from axisrules.report import BalanceTable

    costs, first, last, unit = _measured(args) if args.costs else _modelled(args)
    if len(costs) < args.stages:
        why = f"there are {len(costs)} layers for {args.stages} stages"
        raise AxisRulesError([catalog.STAGE_SPLIT.at(Origin("--stages"), why=why, fix="use fewer stages")])
    splits = (
        (EVEN, even_split(costs, args.stages, first=first, last=last)),
        (BALANCED, balance(costs, args.stages, first=first, last=last)),
        (SPREAD, _spread(costs, args.stages, first, last)),
    )
    proposed = min(splits, key=lambda entry: entry[1].bottleneck)[0]
    table = BalanceTable(splits, unit, proposed)
    if args.json:
        print_json(table.to_json())
    else:
        print_report(table)
        print_findings(advise_balance(dict(splits)[proposed]))
    return 0


def _spread(costs: list[float], stages: int, first: float, last: float) -> Split:
    """The best split where every stage does its share of the head, as the pipeline runs it."""
    share = last / stages
    found = balance(costs, stages, first=first)
    return Split(found.counts, tuple(cost + share for cost in found.costs))


def _measured(args: Namespace) -> tuple[list[float], float, float, str]:
    return args.costs, args.first or 0.0, args.last or 0.0, "your unit"


def _modelled(args: Namespace) -> tuple[list[float], float, float, str]:
    """Costs in layers, from the FLOPs of the traced loss."""
    from axisrules.cli.programs import read_named_program
    from axisrules.cli.virtual_devices import set_up_devices
    from axisrules.pipeline import weigh_program

    set_up_devices(1, None)
    weights = weigh_program(read_named_program(args))
    first = weights.front_layers if args.first is None else args.first
    last = weights.head_layers if args.last is None else args.last
    return [1.0] * weights.layers, first, last, "layers"


def _cost(text: str) -> float:
    cost = float(text)
    if not 0 <= cost < float("inf"):
        raise ValueError(text)
    return cost
