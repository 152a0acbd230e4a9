"""`axisrules remat`: what every remat policy keeps and computes, from compiled programs."""

import tomllib
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from typing import TYPE_CHECKING

from axisrules.cli.arguments import MESH_HELP, TABLE_HELP, add_devices, add_json, add_model
from axisrules.cli.compiling import add_compiling, compiled, named_targets
from axisrules.cli.console import print_json, print_report
from axisrules.diagnostics import AxisRulesError, Diagnostic, Origin, catalog
from axisrules.rules import NAMED_REMATS, NO_REMAT, RuleTable, load_rules, parse_training

if TYPE_CHECKING:
    from axisrules.evidence import Comparison

SUMMARY = "compare what remat policies keep and what they compute"
EXAMPLES = """\
examples:
  axisrules remat --rules fsdp
  axisrules remat --rules fsdp --mesh fsdp=16 --target tpu:v5e:4x4 --size 1B
  axisrules remat --rules fsdp_tp --policies full attention '**/mlp' '{save = ["batch seq mlp"]}'
  axisrules remat --rules my_rules.toml --model my_package.model:make_model --json"""

# In a pipe nobody folds lines.
WIDE = 200


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `axisrules remat`."""
    parser.add_argument("--rules", required=True, metavar="TABLE", help=TABLE_HELP)
    parser.add_argument("--mesh", metavar="MESH", help=f"{MESH_HELP} (default: the table's own)")
    default = [name for name in reversed(NAMED_REMATS) if name != NO_REMAT]
    parser.add_argument(
        "--policies",
        nargs="+",
        default=default,
        metavar="POLICY",
        help=f"what to compare with `{NO_REMAT}` and the table's own: {', '.join(default)}, the path pattern"
        f" of a module, or a table of options as in TOML (default: {' '.join(default)})",
    )
    add_devices(parser)
    add_compiling(parser, several=False)
    add_model(parser, default="the built-in decoder")
    add_json(parser)


def run(args: Namespace) -> int:
    """0, or 1 when a policy could not be planned or compiled."""
    table = load_rules(args.rules)
    targets = named_targets(args)
    comparison = compiled(args, _tables(table, args.policies), targets)
    from axisrules.report import PolicyTable

    shown = PolicyTable(comparison, tuple(_advice(comparison, _own_name(table))))
    if args.json:
        print_json(shown.to_json())
    else:
        print_report(shown, piped_width=WIDE)
    return int(not comparison.is_complete)


def _tables(table: RuleTable, policies: list[str]) -> list[RuleTable]:
    """The table under every policy, named after it: none at all first, its own where it has one."""
    found = {NO_REMAT: replace(table, remat=(), name=NO_REMAT)}
    if table.remat:
        found[_own_name(table)] = replace(table, name=_own_name(table))
    for text in policies:
        found.setdefault(text, replace(table | parse_training({"remat": _value(text)}), name=text))
    return list(found.values())


def _own_name(table: RuleTable) -> str:
    return ", ".join(map(str, table.remat or ())) or NO_REMAT


def _value(text: str) -> object:
    """What `text` would mean behind `remat =`; a bare word is a string."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return tomllib.loads(f"remat = {text}")["remat"]
    except ValueError as error:
        raise AxisRulesError(
            [catalog.BAD_ARGUMENT.at(Origin("--policies"), subject=text, why=str(error))]
        ) from None


def _advice(comparison: "Comparison", own: str) -> list[Diagnostic]:
    """What speaks against the policy that the table has, or against having none."""
    from axisrules.memory import PolicyCost, advise

    rows = [row for row in comparison.rows if row.temporary_bytes is not None and row.flops]
    costs = [PolicyCost(row.rules, row.temporary_bytes or 0, int(row.flops or 0)) for row in rows]
    chosen = next((row for row in rows if row.rules == own), None)
    if chosen is None or costs[0].policy != NO_REMAT:
        return []
    state_bytes = (chosen.needed_bytes or 0) - (chosen.temporary_bytes or 0)
    return advise(costs, own, state_bytes=state_bytes, memory_bytes=chosen.hbm_bytes)
