"""`axisrules diff`: what changes when a program goes from one table to another."""

from argparse import ArgumentParser, Namespace

from axisrules.cli.arguments import (
    MESH_HELP,
    TABLE_HELP,
    add_devices,
    add_html,
    add_json,
    add_model,
    mesh_for,
)
from axisrules.cli.console import show
from axisrules.cli.output import check_output
from axisrules.cli.virtual_devices import set_up_devices
from axisrules.diagnostics import AxisRulesError, catalog
from axisrules.mesh import MeshSpec
from axisrules.resolve import diff_plans, survey
from axisrules.rules import load_rules

SUMMARY = "show which arrays change layout between two tables, and what moving a live state takes"
EXAMPLES = """\
examples:
  axisrules diff dp fsdp_tp
  axisrules diff fsdp fsdp+my_rules.toml --mesh fsdp=8
  axisrules diff dp tp --mesh data=8 --mesh-after data=2,tensor=4 --model my_package.model:make_model"""


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `axisrules diff`."""
    parser.add_argument("before", metavar="BEFORE", help=TABLE_HELP)
    parser.add_argument("after", metavar="AFTER", help="the other table, named alike")
    parser.add_argument("--mesh", metavar="MESH", help=f"{MESH_HELP} (default: each table's own)")
    parser.add_argument("--mesh-after", metavar="MESH", help="the mesh of AFTER, where it is another one")
    add_devices(parser)
    add_model(parser, default="the built-in decoder")
    add_html(parser)
    add_json(parser)


def run(args: Namespace) -> int:
    """0, or 1 when either table cannot lay out the program without errors."""
    if args.html:
        check_output(args.html, force=args.force)
    before, after = load_rules(args.before), load_rules(args.after)
    mesh_before = mesh_for(before, args.mesh, args.devices)
    mesh_after = mesh_for(after, args.mesh_after or args.mesh, args.devices)
    _check_equal_counts(mesh_before, mesh_after)
    set_up_devices(None, None)
    from axisrules.cli.programs import read_named_program
    from axisrules.report import explain

    leaves = read_named_program(args).leaves
    diff = diff_plans(survey(leaves, before, mesh_before), survey(leaves, after, mesh_after))
    explanation = explain(diff)
    show(explanation, args)
    found = (*diff.before.diagnostics, *diff.after.diagnostics)
    return int(any(diagnostic.severity == "error" for diagnostic in found))


def _check_equal_counts(before: MeshSpec, after: MeshSpec) -> None:
    if before.device_count != after.device_count:
        why = f"the mesh ({before}) has {before.device_count} devices, and ({after}) has {after.device_count}"
        fix = "give both the same number of devices: --mesh, --mesh-after or --devices"
        raise AxisRulesError([catalog.BAD_ARGUMENT.at(why=why, fix=fix)])
