"""The one internal form of what the user wants: an ordered table of rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import get_args

from axisrules.axes import MeshAxis
from axisrules.diagnostics import Policy
from axisrules.rules.compose import flatten
from axisrules.rules.pipeline import NO_PIPELINE, PipelineRules
from axisrules.rules.remat import Accumulate, Remat
from axisrules.rules.rule import Rule

POLICIES: tuple[Policy, ...] = get_args(Policy)

DEFAULT_POLICIES: dict[str, Policy] = {
    "unknown_logical_axis": "error",
    "unknown_mesh_axis": "error",
    "collision": "error",
    "uneven_split": "error",
    "rank_mismatch": "error",
    "repeated_logical_axis": "error",
    "unnamed_array": "warn",
    "dead_rule": "warn",
    "shadowed_rule": "warn",
    "unused_mesh_axis": "warn",
}
# What one rule may decide for itself; the others are said of whole tables.
RULE_POLICIES = ("collision", "uneven_split")


@dataclass(frozen=True)
class RuleTable:
    """Rules in order of precedence, the mesh axes they may do without, and what they permit.

    A composed table keeps its layers, so that `(a | b) | c` and `a | (b | c)` are one table.
    """

    layers: tuple[tuple[Rule, ...], ...] = ()
    optional_mesh_axes: tuple[MeshAxis, ...] = ()
    declared_policies: tuple[tuple[str, Policy], ...] = ()
    name: str = field(default="", compare=False)
    doc: str = field(default="", compare=False)
    # The mesh to use where the user names none, as text: "fsdp=-1,tensor=4".
    mesh: str = field(default="", compare=False)
    # How a step is run; None says nothing, and leaves it to the table below in a composition.
    remat: tuple[Remat, ...] | None = None
    accumulate: Accumulate | None = None
    pipeline: PipelineRules = NO_PIPELINE

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in force, most urgent first."""
        return flatten(self.layers)

    @cached_property
    def policies(self) -> Mapping[str, Policy]:
        """The policy of every kind of finding, defaults included."""
        return DEFAULT_POLICIES | dict(self.declared_policies)

    @property
    def mesh_axes(self) -> tuple[MeshAxis, ...]:
        """Every mesh axis that some rule names, in order of appearance."""
        return tuple(dict.fromkeys(axis for rule in self.rules for axis in rule.mesh_axes))

    def policy(self, finding: str, rule: Rule | None = None) -> Policy:
        """What to do about `finding`, by the rule's own word or else the table's."""
        own = dict(rule.policies).get(finding) if rule else None
        return own or self.policies[finding]

    def __or__(self, override: "RuleTable") -> "RuleTable":
        """This table with `override` on top: its rules and policies win, positions stay."""
        if not isinstance(override, RuleTable):
            return NotImplemented
        return RuleTable(
            layers=self.layers + override.layers,
            optional_mesh_axes=tuple(dict.fromkeys(self.optional_mesh_axes + override.optional_mesh_axes)),
            declared_policies=tuple(
                (dict(self.declared_policies) | dict(override.declared_policies)).items()
            ),
            name=" | ".join(n for n in (self.name, override.name) if n),
            doc=override.doc or self.doc,
            mesh=override.mesh or self.mesh,
            remat=self.remat if override.remat is None else override.remat,
            accumulate=override.accumulate or self.accumulate,
            pipeline=self.pipeline | override.pipeline,
        )
