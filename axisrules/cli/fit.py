"""`axisrules fit`: does a model fit on given chips, under which tables, and on how few of them."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from axisrules.cli.arguments import add_html, add_json, add_model
from axisrules.cli.compiling import add_effort, add_hbm, add_target, named_targets
from axisrules.cli.console import show
from axisrules.cli.output import check_output
from axisrules.cli.virtual_devices import set_up_devices
from axisrules.diagnostics import AxisRulesError, Origin, catalog
from axisrules.mesh import Target
from axisrules.rules import load_rules

if TYPE_CHECKING:
    from axisrules.search import FitProgress

SUMMARY = "say whether a model fits on given chips, under which tables, and on how small a slice"
EXAMPLES = """\
examples:
  axisrules fit --target tpu:v5e:4x4 --size 7B --batch 16 --seq 2048
  axisrules fit --target tpu:v5p:8x8x8 --size 70B --batch 512 --seq 4096 --hbm 0.9
  axisrules fit --target gpu:h100:1x8 --rules fsdp fsdp_tp_sp mine.toml --model my_package.model:make_model"""

DEFAULT_TABLES = ("dp", "zero1", "fsdp", "tp_sp", "fsdp_tp_sp")
# Nobody folds a pipe or a log: there, a table is one row, whatever its length.
WIDE = 160


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `axisrules fit`."""
    add_target(parser, several=False)
    add_model(parser, default="the built-in decoder")
    parser.add_argument(
        "--rules",
        nargs="+",
        default=DEFAULT_TABLES,
        metavar="TABLE",
        help=f"presets, .toml files or compositions (default: {' '.join(DEFAULT_TABLES)})",
    )
    add_hbm(parser)
    add_effort(parser)
    add_html(parser)
    add_json(parser)


def run(args: Namespace) -> int:
    """0 when it fits under some table, else 1."""
    tables = {table.name: table for table in map(load_rules, args.rules)}
    if args.html:
        check_output(args.html, force=args.force)
    (target,) = named_targets(args)
    _check(target, args.hbm)
    set_up_devices(None, None)
    from axisrules.cli.programs import named_model, program_of
    from axisrules.cli.searching import check_compiler
    from axisrules.evidence import Compiling
    from axisrules.report import FitTable
    from axisrules.search import fit

    check_compiler(target)
    named = named_model(args)
    program = program_of(named, args)
    how = Compiling(uses_cache=not args.no_cache, workers=args.jobs, timeout_seconds=args.timeout)
    with _progress() as tell:
        report = fit(program, [*tables.values()], target, hbm=args.hbm, how=how, on_progress=tell)
    show(FitTable(report, named.name), args, piped_width=WIDE)
    return int(not report.fits)


def _check(target: Target, hbm: float) -> None:
    """Raises AxisRulesError (AXR602): without a chip there is no memory to fit into."""
    found = []
    if target.is_local:
        why = "how much memory the devices at hand have is not described"
        fix = "name the chips: --target tpu:v5e:4x4"
        found.append(catalog.BAD_ARGUMENT.at(Origin("--target"), why=why, fix=fix))
    if not 0 < hbm <= 1:
        why = f"{hbm:g} is no part of the memory: more than 0, at most 1"
        found.append(catalog.BAD_ARGUMENT.at(Origin("--hbm"), why=why))
    if found:
        raise AxisRulesError(found)


@contextmanager
def _progress() -> Iterator["FitProgress"]:
    """What is being compiled, on stderr; nothing where nobody would see it change."""
    from rich.console import Console
    from rich.status import Status

    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with Status("reading the model", console=console) as status:
        yield status.update
