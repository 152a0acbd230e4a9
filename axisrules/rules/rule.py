"""One rule, and where it holds."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from axisrules.axes import LogicalAxis, MeshAxis, PathPattern
from axisrules.diagnostics import Origin, Policy

Kind = Literal["params", "gradients", "optimizer", "activations", "batch", "cache"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# Gradients and optimizer state are laid out like the parameters they belong to,
# unless the table says otherwise for them.
INHERITS: dict[Kind, Kind] = {"gradients": "params", "optimizer": "params"}

Uneven = Literal["replicate", "next", "prefix"]
UNEVEN: tuple[Uneven, ...] = get_args(Uneven)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a rule holds: everywhere, for one kind of array, for paths, or for both."""

    kind: Kind | None = None
    path: PathPattern | None = None

    def __str__(self) -> str:
        kind = self.kind or ""
        if self.path is None:
            return kind
        return f"{kind}:{self.path.glob}" if kind else self.path.glob


BASE = Scope()


@dataclass(frozen=True, slots=True)
class Rule:
    """One logical axis to one tuple of mesh axes, major to minor; `()` replicates on purpose.

    Several rules of one name in a scope are alternatives, tried in order. `before` and `after`
    name the logical axis beside which composition places the rule.
    """

    logical_axis: LogicalAxis
    mesh_axes: tuple[MeshAxis, ...]
    scope: Scope = BASE
    partial: bool = False
    uneven: Uneven | None = None
    policies: tuple[tuple[str, Policy], ...] = ()
    before: LogicalAxis | None = None
    after: LogicalAxis | None = None
    origin: Origin = field(default=Origin("<python>"), compare=False)

    @property
    def key(self) -> tuple[Scope, LogicalAxis]:
        """What composition replaces as a whole: all alternatives of a name in a scope."""
        return self.scope, self.logical_axis

    @property
    def target(self) -> str:
        """The right-hand side as a table would show it."""
        if not self.mesh_axes:
            return "[]"
        return self.mesh_axes[0] if len(self.mesh_axes) == 1 else f"[{', '.join(self.mesh_axes)}]"
