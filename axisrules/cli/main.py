"""`axisrules`: picks the command, runs it, and turns whatever happens into text and an exit code."""

import os
import sys
import traceback
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

import axisrules
from axisrules.cli import (
    advise,
    audit,
    balance,
    bench,
    check,
    diff,
    doctor,
    explain,
    fit,
    ledger,
    presets,
    remat,
    schedule,
    search,
    targets,
    typecheck,
    wrap,
)
from axisrules.cli.arguments import ExampleFormatter
from axisrules.diagnostics import AxisRulesError, render_text

COMMANDS = {
    "check": check,
    "explain": explain,
    "presets": presets,
    "diff": diff,
    "bench": bench,
    "search": search,
    "fit": fit,
    "ledger": ledger,
    "audit": audit,
    "advise": advise,
    "targets": targets,
    "doctor": doctor,
    "wrap": wrap,
    "typecheck": typecheck,
    "schedule": schedule,
    "balance": balance,
    "remat": remat,
}

DESCRIPTION = """\
A sharding-rule compiler for JAX and Flax: rule tables say how a model lies on a mesh.

exit codes:
  0  nothing wrong
  1  findings of error severity
  2  arguments or input that make no sense"""

BAD_INPUT = 2
OUR_BUG = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
PIPE_CLOSED = 141  # 128 + SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0 clean, 1 findings of error severity, 2 bad input."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        parser.print_help()
        return 0
    try:
        code = run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has closed it (`axisrules presets | head`). Python would complain once
        # more on its last flush, so that one goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    return code


def build_parser() -> ArgumentParser:
    """The parser of all commands."""
    parser = ArgumentParser(
        "axisrules", description=DESCRIPTION, formatter_class=ExampleFormatter, allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"axisrules {axisrules.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, command in COMMANDS.items():
        command.add_arguments(
            commands.add_parser(
                name,
                help=command.SUMMARY,
                description=f"{command.SUMMARY[0].upper()}{command.SUMMARY[1:]}.",
                epilog=command.EXAMPLES,
                formatter_class=ExampleFormatter,
                allow_abbrev=False,
            )
        )
    return parser


def run(arguments: Namespace) -> int:
    """The exit code of the chosen command, its errors shown on stderr."""
    try:
        code: int = COMMANDS[arguments.command].run(arguments)
    except AxisRulesError as error:
        print(render_text(error.diagnostics), file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:
        raise
    except Exception:  # noqa: BLE001 - a bug of ours must not look like a finding, which is what 1 means
        traceback.print_exc()
        return OUR_BUG
    return code
