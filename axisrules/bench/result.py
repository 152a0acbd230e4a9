"""What a bench found, as values to print, to store and to assert on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from axisrules.evidence import PipelineFacts

# How far losses may differ between layouts, relative to the first layout's: rounding of sums in
# another order, in the dtype that the model computes in.
LOSS_TOLERANCE = {"float32": 1e-5, "bfloat16": 2e-3}


@dataclass(frozen=True)
class BenchRow:
    """One layout, trained. Bytes are per device; seconds are wall time, measured here.

    `step_seconds` is the median over the steps after the first, and `pipeline` says how layers are run in
    stages. `error` is set, and the figures are None, where the layout could not be planned or run.
    """

    rules: str
    mesh: str
    losses: tuple[float, ...] = ()
    param_bytes: int | None = None
    optimizer_bytes: int | None = None
    temporary_bytes: int | None = None
    compile_seconds: float | None = None
    step_seconds: float | None = None
    tokens_per_second: float | None = None
    speed_ratio: float | None = None
    pipeline: PipelineFacts | None = None
    error: str | None = None


@dataclass(frozen=True)
class BenchReport:
    """A row per layout, in the order asked for, and the facts of the run.

    `batch` and `seq` are None where the model brought a batch of its own.
    """

    model: str
    api: str
    dtype: str
    batch: int | None
    seq: int | None
    steps: int
    devices: int
    platform: str
    versions: dict[str, str]
    machine: str
    rows: tuple[BenchRow, ...]

    @property
    def step_seconds(self) -> dict[str, float]:
        """The measured seconds of a step, by the rules of its layout, of those that ran."""
        return {row.rules: row.step_seconds for row in self.rows if row.step_seconds}

    @property
    def loss_tolerance(self) -> float:
        """The relative difference of losses between layouts that rounding explains."""
        return LOSS_TOLERANCE[self.dtype]

    @property
    def loss_difference(self) -> float:
        """The largest relative difference of any loss from the first layout's at the same step."""
        done = [row.losses for row in self.rows if row.error is None]
        return max(
            (abs(a - b) / abs(a) for other in done[1:] for a, b in zip(done[0], other, strict=True)),
            default=0.0,
        )

    @property
    def is_equal(self) -> bool:
        """Whether every layout ran and all of them trained alike."""
        return all(row.error is None for row in self.rows) and self.loss_difference <= self.loss_tolerance
