"""`axisrules doctor`: what is installed, what can be compiled for with it, and what mends the rest."""

from argparse import ArgumentParser, Namespace

from axisrules.cli.arguments import add_json
from axisrules.cli.console import print_json, print_report

SUMMARY = "say what is installed, what is missing, and the command that installs it"
EXAMPLES = """\
examples:
  axisrules doctor"""


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `axisrules doctor`."""
    add_json(parser)


def run(args: Namespace) -> int:
    """0 when every platform can be compiled for, else 1."""
    from axisrules.report import DoctorTable
    from axisrules.targets import examine

    examination = examine()
    table = DoctorTable(examination)
    if args.json:
        print_json(table.to_json())
    else:
        print_report(table)
    return int(not examination.is_ready)
