"""What is known of one layout on one target, and of several side by side, as values to assert on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from axisrules.diagnostics import Diagnostic

if TYPE_CHECKING:
    from axisrules.analysis import Ledger, Memory, StepEstimate
    from axisrules.evidence.layouts import LayoutCheck
    from axisrules.evidence.pipeline import PipelineFacts
    from axisrules.mesh import MeshSpec, Target
    from axisrules.resolve import Plan

Mode = Literal["fast", "full"]


@dataclass(frozen=True)
class LayoutEvidence:
    """One rule table on one target: the plan, what XLA compiled from it, and what that costs.

    Bytes and FLOPs are those of one device and one step. `step_seconds` was measured where
    `step_is_measured`, else it is the cost model's. `checks` holds the layouts that XLA chose against the
    plan's. `host_bytes` is what a remat policy offloads, and `pipeline` says how layers are run in stages.
    What could not be found out is None, and `error` says why; a layout that does not fit has its
    `needed_bytes` even where the compiler gave up on it.
    """

    rules: str
    mesh: MeshSpec
    target: Target
    mode: Mode
    plan: Plan | None = None
    ledger: Ledger | None = None
    memory: Memory | None = None
    estimate: StepEstimate | None = None
    flops: float | None = None
    param_bytes: int | None = None
    optimizer_bytes: int | None = None
    gradient_bytes: int | None = None
    temporary_bytes: int | None = None
    host_bytes: int | None = None
    needed_bytes: int | None = None
    hbm_bytes: int | None = None
    pipeline: PipelineFacts | None = None
    step_seconds: float | None = None
    step_is_measured: bool = False
    checks: tuple[LayoutCheck, ...] = ()
    device_coords: tuple[tuple[int, ...], ...] = ()
    compile_seconds: float | None = None
    is_cached: bool = False
    findings: tuple[Diagnostic, ...] = ()
    error: str | None = None

    @property
    def fits(self) -> bool | None:
        """Whether the step fits into the memory of a device; None where that is not known."""
        if self.needed_bytes is None or self.hbm_bytes is None:
            return None
        return self.needed_bytes <= self.hbm_bytes

    @property
    def mfu(self) -> float | None:
        """The share of the chip's peak FLOP/s that the step's dots use."""
        peak = self.target.peak_flops_per_device
        if not peak or self.flops is None or not self.step_seconds:
            return None
        return self.flops / (peak * self.step_seconds)

    @property
    def communication_share(self) -> float | None:
        """The share of the step in which a device does nothing but wait for others."""
        return None if self.estimate is None else self.estimate.communication_share


@dataclass(frozen=True)
class Comparison:
    """A row per layout and target, in the order asked for, and the facts of the run."""

    rows: tuple[LayoutEvidence, ...]
    versions: dict[str, str]
    machine: str
    model: str = ""

    @cached_property
    def ranking(self) -> tuple[LayoutEvidence, ...]:
        """The layouts that fit, or may fit, and have a time: within each target the fastest first."""
        targets = list(dict.fromkeys(row.target for row in self.rows))
        timed = [row for row in self.rows if row.step_seconds and row.fits is not False and not row.error]
        return tuple(sorted(timed, key=lambda row: (targets.index(row.target), row.step_seconds or 0.0)))

    def rank(self, row: LayoutEvidence) -> int | None:
        """The place of `row` among the layouts of its target, from 1; None where it has none."""
        same = [other for other in self.ranking if other.target == row.target]
        return next((place for place, other in enumerate(same, 1) if other is row), None)

    def with_measured(self, step_seconds: Mapping[str, float]) -> Comparison:
        """The same, with the times that steps really took on local devices, by the name of their rules."""
        rows = [
            replace(row, step_seconds=step_seconds[row.rules], step_is_measured=True)
            if row.target.is_local and row.rules in step_seconds
            else row
            for row in self.rows
        ]
        return replace(self, rows=tuple(rows))

    @property
    def is_complete(self) -> bool:
        """Whether every layout could be planned and compiled."""
        return all(row.error is None for row in self.rows)
