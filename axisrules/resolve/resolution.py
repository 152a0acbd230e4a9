"""What the resolver answers: one spec for an array, and for every dim the reason."""

from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from axisrules.axes import LogicalAxis, MeshAxis
from axisrules.diagnostics import Code
from axisrules.rules import Rule

Spec = tuple[tuple[MeshAxis, ...], ...]


class Because(Enum):
    """Why a dim is laid out as it is, or why a rule was passed over."""

    RULE = "the rule's mesh axes were free"
    REPLICATED = "the rule says []: replicated on purpose"
    ONE_WAY = "the rule's mesh axes have size 1 here, or are optional and absent"
    PARTIAL = "the rule is partial, and some of its mesh axes were taken"
    PREFIX = "only the first of the rule's mesh axes divide the dim"
    UNEVEN = "the ways do not divide the dim"
    COLLISION = "another dim of this array holds the mesh axis"
    UNNAMED = "the dim has no logical axis"
    NO_RULE = "no rule names this logical axis"
    REPEATED = "an earlier dim of this array has the same logical axis"
    NOT_REACHED = "an earlier rule had won already"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A rule that lost, and why; `detail` has the numbers."""

    rule: Rule
    because: Because
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DimReason:
    """How one dim came to its mesh axes. `ways` is into how many pieces it is cut."""

    dim: int
    logical_axis: LogicalAxis | None
    size: int | None
    mesh_axes: tuple[MeshAxis, ...]
    ways: int
    because: Because
    rule: Rule | None = None
    rejected: tuple[Rejection, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """A diagnostic still without its array: many arrays share one resolution.

    `lost_ways` is how many times more bytes a device holds than the table asked for.
    """

    code: Code
    why: str
    fix: str = ""
    rule: Rule | None = None
    lost_ways: int = 1


@dataclass(frozen=True)
class Resolution:
    """The answer for one combination of logical axes, shape and rules."""

    dims: tuple[DimReason, ...]
    findings: tuple[Finding, ...] = ()

    @cached_property
    def spec(self) -> Spec:
        """One tuple of mesh axes per dim; `()` is replicated."""
        return tuple(reason.mesh_axes for reason in self.dims)
