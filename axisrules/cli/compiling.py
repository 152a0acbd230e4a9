"""Arguments of the commands that compile: for which targets, how far, how many at a time."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from axisrules.cli.arguments import positive
from axisrules.cli.virtual_devices import set_up_devices
from axisrules.diagnostics import AxisRulesError, Diagnostic
from axisrules.mesh import Target, parse_target
from axisrules.rules import RuleTable

if TYPE_CHECKING:
    from axisrules.evidence import CompareProgress, Comparison, Compiling

DEFAULT_TIMEOUT = 600
TARGET_HELP = (
    "where the step is to run: local, tpu:CHIP:TOPOLOGY (tpu:v5p:8x8x8), gpu:CHIP:NODESxGPUS (gpu:h100:1x8);"
    " `axisrules targets` lists them"
)


def add_compiling(parser: ArgumentParser, *, several: bool) -> None:
    """`--target`, `--slices`, `--full`, `--no-cache`, `--jobs`, `--timeout`."""
    add_target(parser, several=several)
    depth = parser.add_mutually_exclusive_group()
    depth.add_argument(
        "--fast",
        action="store_true",
        help="stop the compiler once the step is scheduled and its memory assigned (default)",
    )
    depth.add_argument(
        "--full", action="store_true", help="compile through code generation, for the compiler's own cycles"
    )
    add_effort(parser)


def add_target(parser: ArgumentParser, *, several: bool) -> None:
    """`--target` and `--slices`: where the step is to run."""
    parser.add_argument(
        "--target",
        nargs="+" if several else None,
        metavar="TARGET",
        help=f"{TARGET_HELP} (default: local)",
    )
    parser.add_argument(
        "--slices",
        type=positive,
        default=1,
        metavar="N",
        help="TPU slices, each of the target's topology, joined by the data-center network (default: 1)",
    )


def add_hbm(parser: ArgumentParser) -> None:
    """`--hbm`: how much of a device's memory a step may take."""
    parser.add_argument(
        "--hbm",
        type=float,
        default=1.0,
        metavar="PART",
        help="fill this part of a device's memory at most (default: 1)",
    )


def add_effort(parser: ArgumentParser) -> None:
    """`--no-cache`, `--jobs` and `--timeout`: how hard compilers may work."""
    parser.add_argument(
        "--no-cache", action="store_true", help="compile anew, whatever an earlier run has kept"
    )
    parser.add_argument(
        "--jobs", type=positive, metavar="N", help="compilers side by side (default: one per processor)"
    )
    parser.add_argument(
        "--timeout",
        type=positive,
        default=DEFAULT_TIMEOUT,
        metavar="SECONDS",
        help=f"give a layout up when its compiler takes longer (default: {DEFAULT_TIMEOUT})",
    )


def named_targets(args: Namespace) -> tuple[Target, ...]:
    """The targets of `--target` and `--slices`; `local` where none is named.

    Raises AxisRulesError with every problem found (AXR210, AXR801, AXR802).
    """
    texts: Sequence[str] = [args.target] if isinstance(args.target, str) else args.target or ["local"]
    found: list[Diagnostic] = []
    targets = []
    for text in dict.fromkeys(texts):
        try:
            targets.append(parse_target(text, slices=1 if text == "local" else args.slices))
        except AxisRulesError as error:
            found += error.diagnostics
    if found:
        raise AxisRulesError(found)
    return tuple(targets)


def compiled(args: Namespace, tables: Sequence[RuleTable], targets: Sequence[Target]) -> "Comparison":
    """The evidence of every table on every target, with a line of progress while it is gathered."""
    set_up_devices(args.devices, None)
    from axisrules.cli.programs import named_model, program_of
    from axisrules.evidence import compare

    named = named_model(args)
    program = program_of(named, args)
    how = compiling_of(args)
    with compare_progress(len(tables) * len(targets)) as on_progress:
        found = compare(program, tables, targets, mesh=args.mesh, how=how, on_progress=on_progress)
    return replace(found, model=named.name)


def compiling_of(args: Namespace) -> "Compiling":
    """How to compile, as `--full`, `--no-cache`, `--jobs` and `--timeout` say."""
    from axisrules.evidence import Compiling

    return Compiling(
        mode="full" if args.full else "fast",
        uses_cache=not args.no_cache,
        workers=args.jobs,
        timeout_seconds=args.timeout,
    )


@contextmanager
def compare_progress(layouts: int | None) -> Iterator["CompareProgress"]:
    """A bar on stderr: how many layouts are through, and what is going on; none where nobody would see it.

    `layouts` is None where their number is not known from the start.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(
        *columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task("", total=layouts)

        def on_progress(layout: str, phase: str, done: int) -> None:
            bar.update(task, description=f"{layout}: {phase}", completed=done)

        yield on_progress
