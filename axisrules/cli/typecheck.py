"""`axisrules typecheck`: a model's annotations held against what it computes."""

from argparse import ArgumentParser, Namespace

from axisrules.cli.arguments import add_json, add_model
from axisrules.cli.console import print_findings, print_json
from axisrules.cli.virtual_devices import set_up_devices
from axisrules.diagnostics import to_json

SUMMARY = "check that a model's axis names agree with what it computes"
EXAMPLES = """\
examples:
  axisrules typecheck --model my_package.model:make_model
  axisrules typecheck --model my_package.model:make_model --json"""


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `axisrules typecheck`."""
    add_model(parser, default="the built-in decoder")
    add_json(parser)


def run(args: Namespace) -> int:
    """0 when no annotation contradicts the computation, else 1."""
    set_up_devices(None, None)
    from axisrules.cli.programs import checked_model

    report = checked_model(args)
    if args.json:
        found = [to_json(finding) for finding in report.findings]
        print_json({"annotated": report.annotated, "findings": found, "errors": len(found)})
    else:
        print_findings(report.findings)
        verdict = f"{len(report.findings)} contradictions" if report.findings else "no contradiction"
        print(f"{report.annotated} annotated arrays, {verdict}")
    return int(bool(report.findings))
