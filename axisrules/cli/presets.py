"""`axisrules presets`: the shipped tables, or one of them printed whole."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from axisrules.cli.arguments import add_json
from axisrules.cli.console import print_json, print_report
from axisrules.cli.output import write_output
from axisrules.diagnostics import AxisRulesError, Origin, catalog
from axisrules.rules import RuleTable, load_rules, preset_names, preset_text

SUMMARY = "list the shipped rule tables, or print one whole"
EXAMPLES = """\
examples:
  axisrules presets
  axisrules presets fsdp_tp_sp
  axisrules presets fsdp_tp_sp -o my_rules.toml"""


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `axisrules presets`."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="the table to print whole")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write the table to FILE: a start of your own"
    )
    parser.add_argument("--force", action="store_true", help="replace FILE where it exists")
    add_json(parser)


def run(args: Namespace) -> int:
    """0; raises AxisRulesError: AXR111 for an unknown name, AXR601 for a refused file."""
    if args.output and not args.name:
        fix = "name the table to write: axisrules presets fsdp -o my_rules.toml"
        raise AxisRulesError([catalog.BAD_ARGUMENT.at(Origin("--output"), why="no table is named", fix=fix)])
    if args.name:
        _print_one(args)
    else:
        _print_all([load_rules(name) for name in preset_names()], as_json=args.json)
    return 0


def _print_one(args: Namespace) -> None:
    text = preset_text(args.name)
    if args.output:
        write_output(args.output, text, force=args.force)
    elif args.json:
        print_json(_facts(load_rules(args.name)) | {"toml": text})
    else:
        print(text, end="" if text.endswith("\n") else "\n")


def _print_all(tables: list[RuleTable], *, as_json: bool) -> None:
    if as_json:
        print_json({"presets": [_facts(table) for table in tables]})
        return
    from axisrules.report import preset_list

    print_report(preset_list(tables))


def _facts(table: RuleTable) -> dict[str, object]:
    return {"name": table.name, "doc": table.doc, "mesh": table.mesh or None, "rules": len(table.rules)}
