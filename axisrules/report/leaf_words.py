"""An array in words: its dims with their mesh axes, its spec, its shapes. Names come out escaped."""

from collections.abc import Iterable

from axisrules.diagnostics import printable
from axisrules.mesh import MeshSpec
from axisrules.report.picture import Picture, Range, Side
from axisrules.resolve import DimReason, Rejection, Spec
from axisrules.rules import Rule


def dim_words(reason: DimReason) -> tuple[str, str]:
    """A dim as `embed=512` and, where it is cut, `[fsdp]`."""
    name = printable(reason.logical_axis) if reason.logical_axis else "_"
    mesh_axes = f"[{','.join(reason.mesh_axes)}]" if reason.mesh_axes else ""
    return f"{name}={reason.size}", mesh_axes


def local_size(reason: DimReason) -> int:
    """How much of a dim one device holds; the arrays of a plan have a size for every dim."""
    assert reason.size is not None, "only a resolution without a shape has dims without a size"
    return reason.size // reason.ways


def spec_words(spec: Spec) -> str:
    """The spec as JAX writes it.

    >>> spec_words((("data", "fsdp"), (), ("tensor",)))
    "P(('data', 'fsdp'), None, 'tensor')"
    """
    return f"P({', '.join(_spec_entry(mesh_axes) for mesh_axes in spec)})"


def _spec_entry(mesh_axes: tuple[str, ...]) -> str:
    if not mesh_axes:
        return "None"
    return repr(mesh_axes[0]) if len(mesh_axes) == 1 else repr(tuple(mesh_axes))


def shape_words(shape: Iterable[int]) -> str:
    """`4×256×32`, or `scalar`."""
    return "×".join(map(str, shape)) or "scalar"


def ways_words(reason: DimReason, mesh: MeshSpec) -> str:
    """The mesh axes that cut a dim, with their sizes: `data=2 × fsdp=4`."""
    return " × ".join(f"{mesh_axis}={mesh.shape[mesh_axis]}" for mesh_axis in reason.mesh_axes)


def rule_words(rule: Rule) -> str:
    """The rule and where it stands: `embed = fsdp for params at my_rules.toml:12`."""
    scope = f" for {printable(rule.scope)}" if str(rule.scope) else ""
    return f"{rule.logical_axis} = {rule.target}{scope} at {printable(rule.origin)}"


def won_words(reason: DimReason) -> str:
    """Why a dim is laid out as it is: the rule that won it, or why there is none."""
    return f"{rule_words(reason.rule)}; {reason.because.value}" if reason.rule else reason.because.value


def lost_words(rejection: Rejection) -> str:
    """A rule that lost, and why, with the numbers."""
    detail = f": {printable(rejection.detail)}" if rejection.detail else ""
    return f"{rule_words(rejection.rule)}; {rejection.because.value}{detail}"


def side_words(side: Side) -> str:
    """A side of a picture: `embed[fsdp]`."""
    name = printable(side.logical_axis) if side.logical_axis else f"dim {side.dim}"
    return f"{name}[{','.join(side.mesh_axes)}]"


def range_words(chosen: Range | None) -> str:
    """A range of indices as a slice: `0:128`; `all` of a dim that is not cut."""
    return f"{chosen[0]}:{chosen[1]}" if chosen else "all"


def picture_caption(picture: Picture) -> str:
    """How to read a picture: what runs down and across, and how many devices hold the same."""
    if picture.columns is None:
        return "not cut: every device holds all of it"
    down = f"{side_words(picture.rows)} down, " if picture.rows else ""
    held = "one device" if picture.copies == 1 else f"{picture.copies} devices"
    return f"{down}{side_words(picture.columns)} across; each block is on {held}"
