"""`axisrules ledger`: every collective of a compiled step, and the rule that asked for it."""

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from typing import TYPE_CHECKING

from axisrules.cli.arguments import (
    MESH_HELP,
    TABLE_HELP,
    add_devices,
    add_html,
    add_json,
    add_model,
)
from axisrules.cli.compiling import add_compiling, compiled, named_targets
from axisrules.cli.console import show
from axisrules.cli.output import check_output
from axisrules.rules import load_rules

if TYPE_CHECKING:
    from axisrules.analysis import Ledger

SUMMARY = "list every collective of a compiled step, and why it is there"
EXAMPLES = """\
examples:
  axisrules ledger --rules fsdp_tp --target tpu:v5e:4x4
  axisrules ledger --rules fsdp --target tpu:v5p:4x4x4 --slices 2 --network dcn
  axisrules ledger --rules my_rules.toml --model my_package.model:make_model --by mesh_axes logical_axes
  axisrules ledger --rules fsdp --target gpu:h100:1x8 --kind all-gather --module '*/attention*' --json"""

KINDS = ("all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute")
NETWORKS = ("ici", "dcn", "nvlink", "infiniband", "local")
DIRECTIONS = ("forward", "backward", "update")
GROUPS = (
    "kind", "mesh_axes", "network", "direction", "module_path", "source", "dtype", "logical_axes", "rules",
)  # fmt: skip
SORTS = ("wire", "payload", "count", "kind", "module", "schedule")


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `axisrules ledger`."""
    parser.add_argument("--rules", required=True, metavar="TABLE", help=TABLE_HELP)
    parser.add_argument("--mesh", metavar="MESH", help=f"{MESH_HELP} (default: the table's own)")
    add_devices(parser)
    add_compiling(parser, several=False)
    add_model(parser, default="the built-in decoder")
    shown = parser.add_argument_group("what is shown")
    shown.add_argument("--kind", choices=KINDS, help="collectives of one kind alone")
    shown.add_argument("--axis", metavar="MESH_AXIS", help="those over one mesh axis")
    shown.add_argument("--network", choices=NETWORKS, help="those over one network")
    shown.add_argument("--direction", choices=DIRECTIONS, help="those of one pass")
    shown.add_argument("--module", metavar="GLOB", help="those of some modules: '*/attention*'")
    shown.add_argument(
        "--by", nargs="+", choices=GROUPS, default=(), help="one row for all that agree in these"
    )
    shown.add_argument(
        "--sort", choices=SORTS, default=SORTS[0], help="what goes first (default: wire bytes)"
    )
    add_html(parser)
    add_json(parser)


def run(args: Namespace) -> int:
    """0, or 1 when the layout could not be planned or compiled."""
    if args.html:
        check_output(args.html, force=args.force)
    targets = named_targets(args)
    comparison = compiled(args, [load_rules(args.rules)], targets)
    from axisrules.report import LedgerTable

    evidence = comparison.rows[0]
    if evidence.ledger is not None:
        evidence = replace(evidence, ledger=_chosen(evidence.ledger, args))
    show(LedgerTable(evidence, comparison.model, tuple(args.by), args.sort), args)
    return int(evidence.error is not None)


def _chosen(ledger: "Ledger", args: Namespace) -> "Ledger":
    return ledger.only(
        kind=args.kind,
        mesh_axis=args.axis,
        network=args.network,
        direction=args.direction,
        module_path=args.module,
    )
