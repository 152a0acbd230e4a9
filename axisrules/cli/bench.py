"""`axisrules bench`: trains one model under several tables and shows them side by side."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from axisrules.cli.arguments import DEFAULT_DEVICES, MESH_HELP, add_json, add_model, positive
from axisrules.cli.console import print_json, print_report
from axisrules.cli.virtual_devices import set_up_devices
from axisrules.diagnostics import AxisRulesError, Origin, catalog
from axisrules.mesh import parse_mesh
from axisrules.rules import load_rules

if TYPE_CHECKING:
    from axisrules.bench import BenchReport, Progress, Workload
    from axisrules.cli.programs import NamedModel

SUMMARY = "train one model under several rule tables, and compare them"
EXAMPLES = """\
examples:
  axisrules bench
  axisrules bench --rules dp my_rules.toml fsdp+my_rules.toml --mesh data=2,tensor=4
  axisrules bench --model my_package.model:make_model --rules fsdp --steps 20 --json"""

DEFAULT_TABLES = ("dp", "fsdp", "tp", "tp_sp", "fsdp_tp_sp")
DEFAULT_STEPS = 5
# Nobody folds a pipe or a log: there, a layout is one row, whatever its length.
WIDE = 200


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `axisrules bench`."""
    tables = " ".join(DEFAULT_TABLES)
    parser.add_argument(
        "--rules",
        nargs="+",
        default=DEFAULT_TABLES,
        metavar="TABLE",
        help=f"presets, .toml files or compositions, the first to compare with (default: {tables})",
    )
    parser.add_argument(
        "--mesh", metavar="MESH", help=f"{MESH_HELP}; for all tables (default: each table's own)"
    )
    add_model(parser, default="the built-in decoder")
    parser.add_argument(
        "--steps",
        type=positive,
        default=DEFAULT_STEPS,
        metavar="N",
        help=f"steps to train (default: {DEFAULT_STEPS})",
    )
    parser.add_argument(
        "--platform", choices=("cpu", "gpu", "tpu"), help="where to run (default: JAX_PLATFORMS, or cpu)"
    )
    parser.add_argument(
        "--devices", type=positive, metavar="N", help=f"virtual CPU devices (default: {DEFAULT_DEVICES})"
    )
    add_json(parser)


def run(args: Namespace) -> int:
    """0 when every layout ran and all learnt alike, else 1."""
    tables = [load_rules(source) for source in args.rules]
    if args.mesh:
        parse_mesh(args.mesh)
    set_up_devices(args.devices, args.platform)
    from axisrules.bench import run_bench
    from axisrules.report import BenchTable

    workload = _workload(args)
    with _progress(len(tables), args.steps) as on_progress:
        report: BenchReport = run_bench(workload, tables, mesh=args.mesh, on_progress=on_progress)
    shown = BenchTable(report)
    if args.json:
        print_json(shown.to_json())
    else:
        print_report(shown, piped_width=WIDE)
    return int(not report.is_equal)


def _workload(args: Namespace) -> "Workload":
    from axisrules.bench import Workload
    from axisrules.cli.programs import named_model, program_of

    named = named_model(args)
    program = program_of(named, args)
    batches = _batches(named, args)
    if named.batch is not None:
        return Workload(named.name, program, batches, dtype=named.dtype)
    return Workload(named.name, program, batches, args.batch, args.seq, named.dtype)


def _batches(named: "NamedModel", args: Namespace) -> tuple[Any, ...]:
    """As many batches as steps: of text, or the model's own batch again and again."""
    import jax

    from axisrules.models import text_batches

    if named.batch is None:
        return tuple(text_batches(args.batch, args.seq, args.steps))
    if any(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in jax.tree.leaves(named.batch)):
        why = "its batch has shapes in it, and training needs numbers"
        raise AxisRulesError(
            [catalog.BAD_ARGUMENT.at(Origin(named.name), why=why, fix="return a batch of arrays")]
        )
    return (named.batch,) * args.steps


@contextmanager
def _progress(table_count: int, steps: int) -> Iterator["Progress"]:
    """A bar on stderr while the layouts run; none where nobody would see it move."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from axisrules.bench import PHASES

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    per_table = len(PHASES) + steps
    seen: list[str] = []
    with Progress(
        *columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task("", total=table_count * per_table)

        def on_progress(layout: str, phase: str, steps_done: int) -> None:
            if phase == PHASES[0]:
                seen.append(layout)
            done = PHASES.index(phase) if phase in PHASES else len(PHASES) + steps_done
            words = f"{layout}: step {steps_done} of {steps}" if steps_done else f"{layout}: {phase}"
            bar.update(task, description=words, completed=(len(seen) - 1) * per_table + done)

        yield on_progress
