"""Training on the devices at hand, as `axisrules bench` measures it: what is trained, and a bar to watch."""

import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from axisrules.diagnostics import AxisRulesError, Origin, catalog
from axisrules.rules import RuleTable

if TYPE_CHECKING:
    from axisrules.bench import BenchReport, Progress, Workload
    from axisrules.cli.programs import NamedModel


def trained(args: Namespace, tables: Sequence[RuleTable]) -> "BenchReport":
    """The model of `args` trained under every table, one after the other; JAX's devices are chosen before."""
    from axisrules.bench import run_bench
    from axisrules.cli.programs import named_model

    workload = workload_of(named_model(args), args)
    with _progress(len(tables), args.steps) as on_progress:
        return run_bench(workload, tables, mesh=args.mesh, on_progress=on_progress)


def workload_of(named: "NamedModel", args: Namespace) -> "Workload":
    """A model with as many batches as `--steps`, of text unless it brings its own. Raises AXR602."""
    from axisrules.bench import Workload
    from axisrules.cli.programs import program_of

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
