"""`axisrules advise`: what would make a table faster, each change tried by the compiler before it is said."""

from argparse import ArgumentParser, Namespace

from axisrules.cli.arguments import MESH_HELP, TABLE_HELP, add_json, add_model
from axisrules.cli.compiling import add_compiling, compare_progress, compiling_of, named_targets
from axisrules.cli.console import print_json, print_report
from axisrules.cli.virtual_devices import set_up_devices
from axisrules.rules import load_rules

SUMMARY = "say what would make a table faster, and how much it would gain"
EXAMPLES = """\
examples:
  axisrules advise --rules tp --target tpu:v5e:2x4
  axisrules advise --rules my_rules.toml --model my_package.model:make_model --target gpu:h100:2x8
  axisrules advise --rules fsdp_tp --mesh fsdp=4,tensor=16 --target tpu:v5p:4x4x4 --size 7B --strict"""

# Nobody folds a pipe or a log: there, a change is one row, whatever its length.
WIDE = 160


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `axisrules advise`."""
    parser.add_argument("--rules", required=True, metavar="TABLE", help=TABLE_HELP)
    parser.add_argument("--mesh", metavar="MESH", help=f"{MESH_HELP} (default: the table's own)")
    add_compiling(parser, several=False)
    add_model(parser, default="the built-in decoder")
    parser.add_argument("--strict", action="store_true", help="let advice count as an error")
    add_json(parser)


def run(args: Namespace) -> int:
    """0, or 1 when the table could not be compiled or, with --strict, when any advice holds.

    Raises AxisRulesError for a table, a mesh or a plan that is wrong, and AXR602 for the target `local`.
    """
    table, target = load_rules(args.rules), named_targets(args)[0]
    set_up_devices(None, None)
    from axisrules.advice import advise
    from axisrules.cli.programs import read_named_program
    from axisrules.evidence import ERROR_BAR
    from axisrules.report import AdviceTable

    program = read_named_program(args)
    with compare_progress(None) as on_progress:
        advice = advise(
            program, table, target, mesh=args.mesh, how=compiling_of(args), on_progress=on_progress
        )
    shown = AdviceTable(advice, ERROR_BAR)
    if args.json:
        print_json(shown.to_json())
    else:
        print_report(shown, piped_width=WIDE)
    return int(advice.base.error is not None or (args.strict and bool(advice.findings)))
