"""The time of a step, part by part, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from axisrules.evidence import LayoutEvidence

HIGH_COMMUNICATION = 0.2
# What a step's time goes to, in the order of a bar, and what gives each its colour.
KIND_OF_RESOURCE = {
    "compute": "compute",
    "vector": "vector",
    "HBM": "memory",
    "launch": "other",
    "ICI": "ici",
    "NVLink": "ici",
    "DCN": "dcn",
    "InfiniBand": "dcn",
}


@dataclass(frozen=True, slots=True)
class TimePart:
    """How much longer a step takes for one resource; parts sum to the step."""

    resource: str
    seconds: float
    is_communication: bool

    @property
    def label(self) -> str:
        """The resource; of communication only what work does not hide counts."""
        return f"{self.resource} exposed" if self.is_communication else self.resource

    @property
    def kind(self) -> str:
        """What gives the part its colour."""
        return KIND_OF_RESOURCE.get(self.resource, "other")


def time_parts(row: LayoutEvidence) -> tuple[TimePart, ...]:
    """The parts of an estimated step; none where it was measured or is not known."""
    if row.estimate is None or row.step_is_measured:
        return ()
    parts: dict[str, TimePart] = {}
    for term in row.estimate.terms:
        before = parts[term.resource].seconds if term.resource in parts else 0.0
        parts[term.resource] = TimePart(term.resource, before + term.seconds, term.is_communication)
    return tuple(sorted(parts.values(), key=lambda part: _place(part.resource)))


def labels_of(rows: Iterable[LayoutEvidence]) -> dict[str, str]:
    """The label of every resource that any of the estimates has, in the order of a bar."""
    found = {part.resource: part.label for row in rows for part in time_parts(row)}
    return dict(sorted(found.items(), key=lambda item: _place(item[0])))


def time_basis(row: LayoutEvidence) -> str:
    """Where the step time comes from: `measured`, or `model`."""
    if row.step_seconds is None:
        return ""
    return "measured" if row.step_is_measured else "model"


def is_high(share: float | None) -> bool:
    """Whether communication takes more of a step than a good layout lets it."""
    return share is not None and share > HIGH_COMMUNICATION


def _place(resource: str) -> tuple[int, str]:
    known = [*KIND_OF_RESOURCE]
    return (known.index(resource) if resource in known else len(known)), resource
