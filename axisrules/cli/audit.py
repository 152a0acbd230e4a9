"""`axisrules audit`: the program that XLA compiled, held against the plan."""

from argparse import ArgumentParser, Namespace

from axisrules.cli.arguments import MESH_HELP, TABLE_HELP, add_devices, add_json, add_model
from axisrules.cli.compiling import add_compiling, compiled, named_targets
from axisrules.cli.console import print_json, print_report
from axisrules.rules import load_rules

SUMMARY = "hold the compiled step against the plan"
EXAMPLES = """\
examples:
  axisrules audit --rules fsdp_tp --target tpu:v5e:4x4
  axisrules audit --rules my_rules.toml --model my_package.model:make_model --strict
  axisrules audit --rules fsdp --target tpu:v5p:4x4x4 --slices 2 --json"""


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `axisrules audit`."""
    parser.add_argument("--rules", required=True, metavar="TABLE", help=TABLE_HELP)
    parser.add_argument("--mesh", metavar="MESH", help=f"{MESH_HELP} (default: the table's own)")
    add_devices(parser)
    add_compiling(parser, several=False)
    add_model(parser, default="the built-in decoder")
    parser.add_argument("--all", action="store_true", help="list the arrays that are as planned, too")
    parser.add_argument("--strict", action="store_true", help="let warnings count as errors")
    add_json(parser)


def run(args: Namespace) -> int:
    """0 when nothing of error severity is found (nor, with --strict, a warning), else 1."""
    targets = named_targets(args)
    evidence = compiled(args, [load_rules(args.rules)], targets).rows[0]
    from axisrules.report import AuditTable

    table = AuditTable(evidence, args.all)
    if args.json:
        print_json(table.to_json())
    else:
        print_report(table)
    failing = ("error", "warning") if args.strict else ("error",)
    return int(evidence.error is not None or any(found.severity in failing for found in evidence.findings))
