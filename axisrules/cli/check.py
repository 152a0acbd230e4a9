"""`axisrules check`: every finding about rule tables, without JAX unless a model is named."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from axisrules.cli.arguments import MESH_HELP, TABLE_HELP, add_devices, add_json, add_model, mesh_for
from axisrules.cli.console import print_findings, print_json
from axisrules.cli.virtual_devices import set_up_devices
from axisrules.diagnostics import AxisRulesError, Diagnostic, Origin, catalog, to_json
from axisrules.mesh import MeshSpec, parse_mesh
from axisrules.resolve import lint_mesh, lint_pipeline, lint_program, lint_table, survey
from axisrules.rules import RuleTable, load_rules

if TYPE_CHECKING:
    from axisrules.adapters import Program

SUMMARY = "lint rule tables"
EXAMPLES = """\
examples:
  axisrules check my_rules.toml
  axisrules check fsdp+my_rules.toml --mesh fsdp=4,tensor=2 --strict
  axisrules check my_rules.toml --model my_package.model:make_model
  axisrules check fsdp_tp --mesh fsdp=2,tensor=4 --model my_package.model:make_model --seeds axes.toml"""

Findings = Callable[[RuleTable, MeshSpec], Iterable[Diagnostic]]

# A table that could not even be opened is a mistake in the arguments, not in a table.
UNOPENED = {catalog.UNREADABLE_FILE.code, catalog.UNKNOWN_TABLE.code}


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in one table; `mesh` is what it was held against, if anything."""

    source: str
    mesh: str
    findings: tuple[Diagnostic, ...]

    def count(self, severity: str) -> int:
        """How many findings are of this severity."""
        return sum(finding.severity == severity for finding in self.findings)


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `axisrules check`."""
    parser.add_argument("tables", nargs="+", metavar="TABLE", help=TABLE_HELP)
    parser.add_argument("--mesh", metavar="MESH", help=f"{MESH_HELP} (default: the table's own)")
    add_devices(parser)
    add_model(parser, default="no model, and no JAX")
    parser.add_argument("--strict", action="store_true", help="let warnings count as errors")
    add_json(parser)


def run(args: Namespace) -> int:
    """0 when no table has an error (nor, with --strict, a warning), else 1; 2 for an unopened table."""
    if args.mesh:
        parse_mesh(args.mesh)  # A mesh that is none is said once, not once per table.
    if args.seeds and not args.model:
        why = "seeds name the axes of a model, and none is given"
        fix = "say which model it is: --model my_package.model:make_model"
        raise AxisRulesError([catalog.BAD_ARGUMENT.at(Origin("--seeds"), why=why, fix=fix)])
    on_program = _on_program(args) if args.model else None
    reports = [_check(source, args, on_program) for source in args.tables]
    if args.json:
        print_json(_json(reports))
    else:
        _print(reports)
    if any(finding.code in UNOPENED for report in reports for finding in report.findings):
        return 2
    failing = ("error", "warning") if args.strict else ("error",)
    return int(any(report.count(severity) for report in reports for severity in failing))


def _on_program(args: Namespace) -> Findings:
    """What a table on a mesh has to be told about the program of `--model`."""
    set_up_devices(None, None)
    from axisrules.cli.programs import read_named_program, wrapped_model

    wrapped = wrapped_model(args) if args.seeds else None
    program = wrapped.program if wrapped else read_named_program(args)

    def findings(table: RuleTable, mesh: MeshSpec) -> Iterator[Diagnostic]:
        yield from wrapped.withheld_costs(table, mesh) if wrapped else ()
        yield from _check_program(table, mesh, program)

    return findings


def _check_program(table: RuleTable, mesh: MeshSpec, program: "Program") -> Iterator[Diagnostic]:
    """What is wrong for one program. Its pipeline can only be traced where it can be laid out."""
    found = survey(program.leaves, table, mesh).diagnostics
    yield from found
    yield from lint_program(table, program.leaves)
    if any(finding.severity == "error" for finding in found):
        yield from lint_pipeline(table, mesh)
    else:
        from axisrules.evidence import check_pipeline

        yield from check_pipeline(program, table, mesh)


def _check(source: str, args: Namespace, on_program: Findings | None) -> Report:
    try:
        table = load_rules(source)
    except AxisRulesError as error:
        return Report(source, "", error.diagnostics)
    found = list(lint_table(table))
    try:
        mesh = _mesh(table, args, on_program is not None)
    except AxisRulesError as error:
        return Report(source, args.mesh or table.mesh, (*found, *error.diagnostics))
    if on_program is not None and mesh is not None:
        found += on_program(table, mesh)
    elif mesh is not None:
        found += [*lint_mesh(table, mesh), *lint_pipeline(table, mesh)]
    return Report(source, str(mesh or ""), tuple(found))


def _mesh(table: RuleTable, args: Namespace, is_needed: bool) -> MeshSpec | None:
    """The mesh to hold the table against; sizes matter only once there are arrays."""
    if is_needed or args.devices:
        return mesh_for(table, args.mesh, args.devices)
    source = args.mesh or table.mesh
    return parse_mesh(source) if source else None


def _print(reports: list[Report]) -> None:
    for report in reports:
        print_findings(report.findings)
        if report.findings:
            print()
    width = max(len(report.source) for report in reports)
    for report in reports:
        mesh = f"  on mesh ({report.mesh})" if report.mesh else ""
        print(f"{report.source:<{width}}  {_verdict(report)}{mesh}")


def _verdict(report: Report) -> str:
    counts = [(report.count(severity), severity) for severity in ("error", "warning", "note")]
    said = [f"{count} {severity}{'s' * (count > 1)}" for count, severity in counts if count]
    return ", ".join(said) or "clean"


def _json(reports: list[Report]) -> dict[str, object]:
    return {
        "tables": [
            {"table": r.source, "mesh": r.mesh or None, "findings": [to_json(f) for f in r.findings]}
            for r in reports
        ],
        **{
            f"{severity}s": sum(r.count(severity) for r in reports)
            for severity in ("error", "warning", "note")
        },
    }
