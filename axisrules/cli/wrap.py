"""`axisrules wrap`: the axis classes of a model that names none, and the few names that settle them."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from axisrules.cli.arguments import MESH_HELP, TABLE_HELP, add_devices, add_json, add_model, mesh_for
from axisrules.cli.console import print_json, print_report
from axisrules.cli.output import check_output, write_output
from axisrules.cli.virtual_devices import set_up_devices
from axisrules.diagnostics import AxisRulesError, Origin, catalog, render_text
from axisrules.mesh import MeshSpec
from axisrules.rules import RuleTable, load_rules

if TYPE_CHECKING:
    from axisrules.adapters import Wrapped

SUMMARY = "infer the axis names of a model that has none"
EXAMPLES = """\
examples:
  axisrules wrap --model my_package.model:make_model
  axisrules wrap --model my_package.model:make_model -i --output axes.toml
  axisrules wrap --model my_package.model:make_model --seeds axes.toml --json
  axisrules wrap --model my_package.model:make_model --seeds axes.toml --export flax
  axisrules wrap --model my_package.model:make_model --rules fsdp_tp --mesh fsdp=2,tensor=4"""

EXPORTS = ("toml", "flax", "pytree")
SEEDS_FILE = Path("axes.toml")


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `axisrules wrap`."""
    add_model(parser, default="the built-in decoder")
    parser.add_argument(
        "-i", "--interactive", action="store_true", help=f"ask for the missing names, and write {SEEDS_FILE}"
    )
    parser.add_argument(
        "--export",
        choices=EXPORTS,
        help="give all names: as seeds, as Flax metadata (a patch to review), or as a JSON tree",
    )
    parser.add_argument("--rules", metavar="TABLE", help=f"what withheld names cost under it: {TABLE_HELP}")
    parser.add_argument("--mesh", metavar="MESH", help=f"{MESH_HELP} (default: the table's own)")
    add_devices(parser)
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the seeds or the export to FILE")
    parser.add_argument("--force", action="store_true", help="replace FILE where it exists")
    parser.add_argument("--strict", action="store_true", help="fail while a dim is unknown or withheld")
    add_json(parser)


def run(args: Namespace) -> int:
    """0; with --strict, 1 while a parameter dim is unknown or withheld."""
    output = args.output or (SEEDS_FILE if args.interactive else None)
    if output:
        check_output(output, force=args.force)
    if args.interactive and (args.json or args.export):
        fix = "answer first, and ask for --json or --export with the seeds that were written"
        raise AxisRulesError([catalog.BAD_ARGUMENT.at(Origin("-i"), why="its questions need text", fix=fix)])
    layout = _layout(args)
    set_up_devices(None, None)
    from axisrules.cli.programs import wrapped_model

    wrapped = wrapped_model(args)
    if args.interactive:
        wrapped = _ask(wrapped)
    text = _text(wrapped, args)
    if output:
        write_output(output, text, force=args.force)
    _show(wrapped, args, text, layout)
    return int(args.strict and bool(wrapped.unsettled))


def _layout(args: Namespace) -> tuple[RuleTable, MeshSpec] | None:
    """The table of `--rules` with its mesh."""
    if args.rules:
        table = load_rules(args.rules)
        return table, mesh_for(table, args.mesh, args.devices)
    if args.mesh or args.devices:
        why = "a mesh says what withheld names cost only with a table"
        fix = "say which table: --rules fsdp_tp"
        raise AxisRulesError([catalog.BAD_ARGUMENT.at(Origin("--mesh"), why=why, fix=fix)])
    return None


def _text(wrapped: "Wrapped", args: Namespace) -> str:
    """What goes to the output: an export, or else the seeds."""
    from axisrules.adapters import dump_seeds, export_flax, export_pytree, export_seeds

    if args.export == "flax":
        return export_flax(wrapped)
    if args.export == "pytree":
        return export_pytree(wrapped)
    return dump_seeds(export_seeds(wrapped) if args.export else wrapped.seeds)


def _show(wrapped: "Wrapped", args: Namespace, text: str, layout: tuple[RuleTable, MeshSpec] | None) -> None:
    from axisrules.report import AxisClassTable

    shown = AxisClassTable(wrapped, layout)
    if args.json:
        print_json(shown.to_json())
    elif args.export and not args.output:
        print(text, end="")
    else:
        print_report(shown)


def _ask(wrapped: "Wrapped") -> "Wrapped":
    """Ask for one name after the other, the class with the most dims first, until all is known."""
    asked: set[str] = set()
    while question := _next(wrapped, asked):
        example, proposal, size, dims = question
        asked.add(example)
        hint = f" [{proposal}]" if proposal else ""
        try:
            answer = input(f"{example}, size {size}, {dims} dims: which axis?{hint} ").strip()
        except EOFError:
            print()
            break
        name = answer or proposal
        if name:
            wrapped = _settle(wrapped, example, name, asked)
    return wrapped


def _next(wrapped: "Wrapped", asked: set[str]) -> tuple[str, str, int, int] | None:
    """The next class to ask for: its example, the name that is guessed, its size and its dims."""
    for found in wrapped.classes:
        if found.source in ("unknown", "weak", "role") and found.example not in asked:
            return found.example, str(found.name or ""), int(found.size), len(found.members)
    return None


def _settle(wrapped: "Wrapped", example: str, name: str, asked: set[str]) -> "Wrapped":
    """The model with that dim named, and a word on what followed; as it was, where it cannot be so."""
    from axisrules.adapters import seed_for

    path, dim = example.removesuffix("]").rsplit("[", 1)
    try:
        settled = wrapped.reseeded(seed_for(wrapped, path, int(dim), name))
    except AxisRulesError as error:
        print(render_text(error.diagnostics))
        asked.discard(example)
        return wrapped
    before, after = len(wrapped.unsettled), len(settled.unsettled)
    print(f"  {name}: settles {before - after} dims; {after} to go")
    return settled
