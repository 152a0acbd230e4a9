"""What a pipeline's stages cost, from options or from a file that `axisrules balance` has written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from axisrules.diagnostics import AxisRulesError, Origin, catalog
from axisrules.schedules import Costs, Schedule

NO_UNIT, SECONDS = "", "s"
HOW = "write it with `axisrules balance --measure --json`"


@dataclass(frozen=True)
class StageCosts:
    """Costs of a device's layers: `given` ones go before those `measured` by the number of microbatches.

    Measured ones hold for pipelines of `stages` devices.
    """

    given: Mapping[str, float]
    measured: Mapping[int, Costs] = field(default_factory=dict)
    stages: int | None = None
    origin: Origin | None = None

    @property
    def unit(self) -> str:
        """What time is counted in; "" where nobody said."""
        return SECONDS if self.measured else NO_UNIT

    def of(self, schedule: Schedule) -> Costs:
        """The costs for a schedule. Raises AxisRulesError (AXR602) where none were measured for it."""
        if self.stages is None:
            return Costs(**self.given)
        if schedule.stages != self.stages:
            why = f"it has costs for {self.stages} stages, not for {schedule.stages}"
            raise _refused(self.origin, why)
        if schedule.microbatches not in self.measured:
            known = ", ".join(map(str, self.measured))
            why = f"it has costs for {known} microbatches, not for {schedule.microbatches}"
            raise _refused(self.origin, why)
        return replace(self.measured[schedule.microbatches], **self.given)


def read_costs(path: Path | None, options: Mapping[str, float | None]) -> StageCosts:
    """The costs that the file at `path` and `options` say. Raises AxisRulesError (AXR602) for the file."""
    given = {name: value for name, value in options.items() if value is not None}
    if path is None:
        return StageCosts(given)
    origin = Origin(str(path))
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        stages = int(found["stages"])
        measured = {entry["microbatches"]: _costs(entry["stage_costs"]) for entry in found["measured"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _refused(origin, f"no measured costs can be read from it: {error!r}") from None
    if not measured:
        raise _refused(origin, "its costs were not measured")
    return StageCosts(given, measured, stages, origin)


def _costs(source: Mapping[str, Any]) -> Costs:
    costs = Costs(**{one.name: float(source[one.name]) for one in fields(Costs)})
    if not all(0 <= getattr(costs, one.name) < float("inf") for one in fields(Costs)):
        raise ValueError(f"{costs} has costs that are none")
    return costs


def _refused(origin: Origin | None, why: str) -> AxisRulesError:
    return AxisRulesError([catalog.BAD_ARGUMENT.at(origin, why=why, fix=HOW)])
