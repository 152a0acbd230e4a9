"""`axisrules explain`: why every array of a program lies as it does, or what a diagnostic means."""

import sys
from argparse import ArgumentParser, Namespace
from dataclasses import replace

from axisrules.cli.arguments import (
    MESH_HELP,
    TABLE_HELP,
    add_devices,
    add_html,
    add_json,
    add_model,
    mesh_for,
)
from axisrules.cli.console import print_json, print_report, show
from axisrules.cli.output import check_output
from axisrules.cli.virtual_devices import set_up_devices
from axisrules.diagnostics import CATALOG, AxisRulesError, Origin, catalog, did_you_mean, page
from axisrules.mesh import known_chips, load_chip
from axisrules.resolve import lint_memory, survey
from axisrules.rules import load_rules, preset_names

SUMMARY = "explain the layout of a program, or a diagnostic"
EXAMPLES = """\
examples:
  axisrules explain AXR402
  axisrules explain --rules fsdp_tp --mesh fsdp=2,tensor=4
  axisrules explain --rules fsdp_tp --leaf '**/query'
  axisrules explain --rules fsdp --mesh fsdp=256 --chip v5e
  axisrules explain --model my_package.model:make_model --rules my_rules.toml --html plan.html"""


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `axisrules explain`."""
    parser.add_argument(
        "code", nargs="?", metavar="CODE", help="a diagnostic, such as AXR402, to explain instead"
    )
    parser.add_argument("--rules", metavar="TABLE", help=TABLE_HELP)
    parser.add_argument("--mesh", metavar="MESH", help=f"{MESH_HELP} (default: the table's own)")
    add_devices(parser)
    add_model(parser, default="the built-in decoder")
    parser.add_argument(
        "--leaf",
        metavar="PATTERN",
        help="show the leaves with such a path dim by dim: '**/mlp/*'; ** is any number of parts",
    )
    parser.add_argument(
        "--chip",
        metavar="NAME",
        help=f"hold the state against one chip's memory: {', '.join(known_chips())}",
    )
    add_html(parser)
    add_json(parser)


def run(args: Namespace) -> int:
    """0, or 1 when the table cannot lay out the program without errors."""
    if args.code:
        return _explain_code(args)
    if not args.rules:
        fix = "name a table (axisrules explain --rules fsdp_tp) or a diagnostic (axisrules explain AXR402)"
        raise AxisRulesError(
            [catalog.BAD_ARGUMENT.at(why="nothing is named that could be explained", fix=fix)]
        )
    return _explain_plan(args)


def _explain_plan(args: Namespace) -> int:
    if args.html:
        check_output(args.html, force=args.force)
    table = load_rules(args.rules)
    mesh = mesh_for(table, args.mesh, args.devices)
    chip = load_chip(args.chip) if args.chip else None
    set_up_devices(None, None)
    from axisrules.cli.programs import read_named_program
    from axisrules.report import explain

    # A survey keeps its errors, so that a table that fails can be looked at.
    plan = survey(read_named_program(args).leaves, table, mesh)
    if chip:
        plan = replace(plan, diagnostics=(*plan.diagnostics, lint_memory(plan, chip)))
    explanation = explain(plan, args.leaf)
    show(explanation, args)
    return int(any(found.severity == "error" for found in plan.diagnostics))


def _explain_code(args: Namespace) -> int:
    if args.rules or args.model:
        why = f"`{args.code}` is to be explained, and a plan too"
        raise AxisRulesError([catalog.BAD_ARGUMENT.at(why=why, fix="ask for one of them at a time")])
    code = args.code.upper()
    if code not in CATALOG:
        raise AxisRulesError(
            [
                catalog.BAD_ARGUMENT.at(
                    Origin(args.code), why="no diagnostic has this code", fix=_meant(args.code)
                )
            ]
        )
    if args.json:
        found = CATALOG[code]
        print_json({"code": code, "title": found.title, "severity": found.severity, "page": page(code)})
    elif sys.stdout.isatty():
        from rich.markdown import Markdown

        print_report(Markdown(page(code)))
    else:
        print(page(code), end="")
    return 0


def _meant(code: str) -> str:
    if code in preset_names():
        return f"to explain a table: axisrules explain --rules {code}"
    return did_you_mean(code.upper(), CATALOG)
