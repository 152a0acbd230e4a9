"""`axisrules targets`: the chips that can be compiled for, with every figure and its source."""

from argparse import ArgumentParser, Namespace

from axisrules.cli.arguments import add_json
from axisrules.cli.console import print_json, print_report
from axisrules.mesh import known_chips, load_chip

SUMMARY = "list the chips that can be compiled for, and their figures"
EXAMPLES = """\
examples:
  axisrules targets
  axisrules targets v5e h100"""


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `axisrules targets`."""
    parser.add_argument(
        "chips", nargs="*", metavar="CHIP", help="show every figure of these chips, each with its source"
    )
    add_json(parser)


def run(args: Namespace) -> int:
    """0; a chip that is none raises AXR210."""
    chips = [load_chip(name) for name in args.chips] or list(known_chips().values())
    from axisrules.report import TargetsTable

    table = TargetsTable(tuple(chips), bool(args.chips))
    if args.json:
        print_json(table.to_json())
    else:
        print_report(table)
    return 0
