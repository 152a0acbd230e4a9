"""`axisrules search`: which layout to take, found by compiling a few of all that there are."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from axisrules.cli.arguments import (
    TABLE_HELP,
    add_html,
    add_json,
    add_model,
    add_platform,
    positive,
)
from axisrules.cli.compiling import add_effort, add_hbm, add_target, named_targets
from axisrules.cli.console import show
from axisrules.cli.output import check_output
from axisrules.cli.virtual_devices import set_up_devices
from axisrules.rules import load_rules

SUMMARY = "find the mesh, the rules and the schedule for a model on given chips, with the reasons"
EXAMPLES = """\
examples:
  axisrules search --target tpu:v5e:4x4 --size 1B --batch 64 --seq 1024 -o best.toml
  axisrules search --target tpu:v5p:8x8x8 --size 70B --batch 1024 --seq 4096 --hbm 0.9 --html report.html
  axisrules search --target tpu:v5e:4x4 --fix seq=tensor --forbid 'vocab=*' --mesh 'data=*,tensor=1..8'
  axisrules search --target gpu:h100:2x8 --model my_package.model:make_model --start mine.toml
  axisrules search --target local --compiles 12"""

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
DEFAULT_STEPS = 10
DEFAULT_FINALISTS = 3
# Nobody folds a pipe or a log: there, a layout is one row, whatever its length.
WIDE = 200


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `axisrules search`."""
    add_target(parser, several=False)
    add_model(parser, default="the built-in decoder")
    _add_constraints(parser)
    _add_budget(parser)
    _add_files(parser)
    parser.add_argument(
        "--steps",
        type=positive,
        default=DEFAULT_STEPS,
        metavar="N",
        help=f"with --target local, steps to time the last few by (default: {DEFAULT_STEPS})",
    )
    add_platform(parser)
    add_effort(parser)
    add_html(parser)
    add_json(parser)


def _add_constraints(parser: ArgumentParser) -> None:
    add_hbm(parser)
    parser.add_argument(
        "--fix",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="only layouts with it: seq=tensor, embed=none, remat=full, accumulate=4, schedule=none",
    )
    parser.add_argument(
        "--forbid",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="no layout with it; * stands for anything: vocab=* leaves vocab whole",
    )
    parser.add_argument(
        "--mesh",
        metavar="SIZES",
        help="the mesh axes there may be, and their sizes: data=*,tensor=1..8 (default: any)",
    )
    parser.add_argument(
        "--start", metavar="TABLE", help=f"begin with this table, and show what changes; {TABLE_HELP}"
    )


def _add_budget(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--compiles",
        type=positive,
        metavar="N",
        help="compile N layouts (default: 15%% of all, from 8 to 48)",
    )
    parser.add_argument(
        "--seconds",
        type=positive,
        metavar="S",
        help="begin no further layout after S seconds (default: never)",
    )
    parser.add_argument(
        "--full-finalists",
        type=int,
        choices=range(11),
        default=DEFAULT_FINALISTS,
        metavar="N",
        help=f"compile the best N in full; locally, time them for longer (default: {DEFAULT_FINALISTS})",
    )
    parser.add_argument(
        "--what-if",
        action="store_true",
        help="compile the leading layouts for twice the batch and for half the chips as well",
    )


def _add_files(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="write the best table to FILE, and whenever it improves",
    )
    parser.add_argument(
        "--journal",
        type=Path,
        metavar="FILE",
        help="where to note what was compiled, to go on from there (default: in the cache)",
    )
    parser.add_argument("--fresh", action="store_true", help="begin anew, whatever the journal has")


def run(args: Namespace) -> int:
    """0 when a layout was found that fits, 1 when none does, 130 when interrupted."""
    table = load_rules(args.start) if args.start else None
    if args.html:
        check_output(args.html, force=args.force)
    (target,) = named_targets(args)
    set_up_devices(args.devices, args.platform if target.is_local else None)
    from axisrules.cli.searching import searched
    from axisrules.report import SearchTable
    from axisrules.search import parse_constraints

    constraints = parse_constraints(args.fix, args.forbid, args.mesh or "", hbm=args.hbm)
    found = searched(args, target, constraints, table)
    shown = SearchTable(found.conclusion, model=found.model, written=str(args.output or ""))
    show(shown, args, piped_width=WIDE)
    result = found.conclusion.result
    return INTERRUPTED if result.is_interrupted else int(result.best is None)
