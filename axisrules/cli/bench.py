"""`axisrules bench`: one model under several tables, trained here or compiled for elsewhere, side by side."""

from argparse import ArgumentParser, Namespace

from axisrules.cli.arguments import (
    MESH_HELP,
    add_html,
    add_json,
    add_model,
    add_platform,
    positive,
)
from axisrules.cli.compiling import add_compiling, compiled, named_targets
from axisrules.cli.console import show
from axisrules.cli.output import check_output
from axisrules.cli.training import trained
from axisrules.cli.virtual_devices import set_up_devices
from axisrules.mesh import Target, parse_mesh
from axisrules.rules import RuleTable, load_rules

SUMMARY = "compare rule tables: train under each here, or compile each for hardware you don't have"
EXAMPLES = """\
examples:
  axisrules bench
  axisrules bench --rules dp my_rules.toml fsdp+my_rules.toml --mesh data=2,tensor=4
  axisrules bench --target tpu:v5e:4x4 --rules fsdp fsdp_tp tp_sp --batch 64 --seq 1024
  axisrules bench --target tpu:v5p:8x8x8 gpu:h100:8x8 --size 70B --batch 512 --seq 4096 --html report.html
  axisrules bench --model my_package.model:make_model --rules fsdp --steps 20 --json"""

DEFAULT_TABLES = ("dp", "fsdp", "tp", "tp_sp", "fsdp_tp_sp")
DEFAULT_STEPS = 5
# Nobody folds a pipe or a log: there, a layout is one row, whatever its length.
WIDE = 200


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `axisrules bench`."""
    tables = " ".join(DEFAULT_TABLES)
    parser.add_argument(
        "--rules",
        nargs="+",
        default=DEFAULT_TABLES,
        metavar="TABLE",
        help=f"presets, .toml files or compositions, the first to compare with (default: {tables})",
    )
    parser.add_argument(
        "--mesh", metavar="MESH", help=f"{MESH_HELP}; for all tables (default: each table's own)"
    )
    add_compiling(parser, several=True)
    add_model(parser, default="the built-in decoder")
    parser.add_argument(
        "--steps",
        type=positive,
        default=DEFAULT_STEPS,
        metavar="N",
        help=f"steps to train (default: {DEFAULT_STEPS})",
    )
    add_platform(parser)
    add_html(parser)
    add_json(parser)


def run(args: Namespace) -> int:
    """0 when every layout ran or compiled, and all that were trained learnt alike; else 1."""
    tables = [load_rules(source) for source in args.rules]
    if args.mesh:
        parse_mesh(args.mesh)
    if args.html:
        check_output(args.html, force=args.force)
    targets = named_targets(args)
    if any(not target.is_local for target in targets):
        return _compare(args, tables, targets)
    set_up_devices(args.devices, args.platform)
    from axisrules.report import BenchTable

    report = trained(args, tables)
    show(BenchTable(report), args, piped_width=WIDE)
    return int(not report.is_equal)


def _compare(args: Namespace, tables: list[RuleTable], targets: tuple[Target, ...]) -> int:
    """Described targets are compiled for; on local devices, where they are among them, steps are measured."""
    set_up_devices(args.devices, args.platform)
    comparison = compiled(args, tables, targets)
    learnt_alike = True
    if any(target.is_local for target in targets):
        report = trained(args, tables)
        comparison = comparison.with_measured(report.step_seconds)
        learnt_alike = report.is_equal
    from axisrules.report import ComparisonTable

    show(ComparisonTable(comparison), args, piped_width=WIDE)
    return int(not comparison.is_complete or not learnt_alike)
