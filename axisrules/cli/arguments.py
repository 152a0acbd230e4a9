"""Arguments that several commands share, and the values that they stand for."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

from axisrules.diagnostics import AxisRulesError, Origin, catalog
from axisrules.mesh import WILDCARD, MeshSpec, parse_mesh
from axisrules.rules import RuleTable

DEFAULT_DEVICES = 8
DEFAULT_BATCH = 16
DEFAULT_SEQ = 128
DECODER_SIZES = ("4M", "1B", "7B", "70B")  # those of axisrules.models, which would load JAX
DEFAULT_SIZE = DECODER_SIZES[0]

TABLE_HELP = "a preset's name, a .toml file, a MaxText .yml file, or several composed: fsdp+mine.toml"
MESH_HELP = "mesh axes, major to minor: data=2,tensor=4; -1 takes the devices that are left"


class ExampleFormatter(RawDescriptionHelpFormatter):
    """Keeps the lines of descriptions and examples, and gives long options room."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26)


def add_json(parser: ArgumentParser) -> None:
    """`--json`: the same facts for a program to read."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def add_html(parser: ArgumentParser) -> None:
    """`--html` and `--force`: the report as a file."""
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the report to FILE as HTML")
    parser.add_argument("--force", action="store_true", help="replace FILE where it exists")


def add_devices(parser: ArgumentParser) -> None:
    """`--devices`: how many devices a mesh with a -1 fills."""
    parser.add_argument(
        "--devices",
        type=positive,
        metavar="N",
        help=f"devices that a -1 in a mesh is worked out from (default: {DEFAULT_DEVICES})",
    )


def add_platform(parser: ArgumentParser) -> None:
    """`--platform` and `--devices`: the devices at hand that steps are run on."""
    parser.add_argument(
        "--platform", choices=("cpu", "gpu", "tpu"), help="where to run (default: JAX_PLATFORMS, or cpu)"
    )
    parser.add_argument(
        "--devices", type=positive, metavar="N", help=f"virtual CPU devices (default: {DEFAULT_DEVICES})"
    )


def add_model(parser: ArgumentParser, *, default: str) -> None:
    """What is laid out: `--model`, `--seeds`, or the built-in decoder; its optimizer and its batch."""
    parser.add_argument(
        "--model",
        metavar="PACKAGE.MODULE:FACTORY",
        help=f"where the model is made (default: {default})",
    )
    parser.add_argument(
        "--seeds",
        metavar="FILE",
        help="infer the model's axes from these few names, as `axisrules wrap` writes them",
    )
    _add_decoder(parser)
    parser.add_argument(
        "--optimizer",
        default="adamw",
        metavar="NAME",
        help="an optax optimizer, made with a learning rate alone (default: adamw)",
    )
    parser.add_argument(
        "--batch",
        type=positive,
        default=DEFAULT_BATCH,
        metavar="N",
        help=f"sequences per step (default: {DEFAULT_BATCH})",
    )
    parser.add_argument(
        "--seq",
        type=positive,
        default=DEFAULT_SEQ,
        metavar="N",
        help=f"tokens per sequence (default: {DEFAULT_SEQ})",
    )


def positive(text: str) -> int:
    """`text` as a whole number from 1; argparse reports the ValueError."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def cost(text: str) -> float:
    """`text` as a number from 0; argparse reports the ValueError."""
    number = float(text)
    if not 0 <= number < float("inf"):
        raise ValueError(text)
    return number


def mesh_for(table: RuleTable, given: str | None, devices: int | None) -> MeshSpec:
    """The mesh to plan for, every size known: `given`, or else the table's own.

    Raises AxisRulesError: AXR201 to AXR208 for the mesh, AXR602 where there is none.
    """
    source = given or table.mesh
    if not source:
        why = f"the table `{table.name}` names no mesh of its own"
        fix = "say which mesh to use: --mesh data=2,tensor=4"
        raise AxisRulesError([catalog.BAD_ARGUMENT.at(Origin("--mesh"), why=why, fix=fix)])
    mesh = parse_mesh(source)
    has_wildcard = WILDCARD in mesh.shape.values()
    return mesh.fill(devices or (DEFAULT_DEVICES if has_wildcard else mesh.device_count))


def _add_decoder(parser: ArgumentParser) -> None:
    """`--api`, `--size`, `--dtype`, `--experts`: which of the built-in decoders."""
    parser.add_argument(
        "--api",
        choices=("linen", "nnx"),
        default="linen",
        help="form of the built-in decoder (default: linen)",
    )
    parser.add_argument(
        "--size",
        choices=DECODER_SIZES,
        default=DEFAULT_SIZE,
        help=f"parameters of the built-in decoder (default: {DEFAULT_SIZE}, which trains anywhere)",
    )
    parser.add_argument(
        "--dtype",
        choices=("float32", "bfloat16"),
        help="what the built-in decoder computes in (default: float32 for 4M, bfloat16 for the others)",
    )
    parser.add_argument(
        "--experts",
        type=positive,
        default=0,
        metavar="N",
        help="make its MLPs mixtures of so many experts, 2 to a token (default: one MLP)",
    )
