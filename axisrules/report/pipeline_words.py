"""How a layout runs its layers in stages, as cells of a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from axisrules.report.columns import NOTHING

if TYPE_CHECKING:
    from axisrules.evidence import PipelineFacts

    # Heading, words, and the number to sort by.
    PipelineColumn = tuple[str, Callable[[PipelineFacts], str], Callable[[PipelineFacts], float]]


class HasPipeline(Protocol):
    """A row that may have a pipeline."""

    @property
    def pipeline(self) -> PipelineFacts | None:
        """Its numbers; None where there is none."""


def pipeline_columns(rows: Sequence[HasPipeline]) -> tuple[PipelineColumn, ...]:
    """The columns to show; none where no row has a pipeline."""
    if not any(row.pipeline for row in rows):
        return ()
    return (
        ("schedule", schedule_words, lambda facts: facts.microbatches),
        ("ticks", lambda facts: str(facts.ticks), lambda facts: facts.ticks),
        ("bubble", lambda facts: f"{facts.bubble:.1%}", lambda facts: facts.bubble),
        ("live", lambda facts: str(facts.peak_live), lambda facts: facts.peak_live),
    )


def schedule_words(facts: PipelineFacts) -> str:
    """The schedule, stages by microbatches, and how many stages a device has where there are several."""
    repeats = f" by {facts.repeats}" if facts.repeats > 1 else ""
    return f"{facts.schedule} {facts.stages}{repeats} × {facts.microbatches}"


def pipeline_cells(rows: Sequence[HasPipeline], words: Callable[[PipelineFacts], str]) -> tuple[str, ...]:
    """One column's cells, for a terminal."""
    return tuple(words(row.pipeline) if row.pipeline else NOTHING for row in rows)


def pipeline_json(row: HasPipeline) -> dict[str, Any] | None:
    """The numbers as plain values."""
    return asdict(row.pipeline) if row.pipeline else None
