"""What a table says of a pipeline: plain values, with a finding for what is none."""

from collections.abc import Callable, Mapping
from typing import Protocol

from axisrules.diagnostics import Origin
from axisrules.rules.pipeline import PIPELINE_KEYS, PipelineRules

Path = tuple[str | int, ...]
MAX_COUNT = 1_000_000


class Reader(Protocol):
    """What reads a table, and collects what is wrong with it."""

    @property
    def locate(self) -> Callable[[Path], Origin]:
        """Where the value at a path stands."""

    def wrong_type(self, path: Path, value: object, wanted: str) -> None:
        """Note that `value` is not what is wanted."""

    def text(self, path: Path, value: object) -> str:
        """`value` as a string; "" and a finding where it is none."""


def parse_pipeline(reader: Reader, source: Mapping[object, object]) -> PipelineRules:
    """What `source` says of a pipeline; None says nothing."""
    said = [key for key in PIPELINE_KEYS if source.get(key) is not None]
    if not said:
        return PipelineRules()
    return PipelineRules(
        schedule=reader.text(("schedule",), source["schedule"]) if "schedule" in said else None,
        microbatches=_count(reader, ("microbatches",), source.get("microbatches")),
        repeats=_count(reader, ("repeats",), source.get("repeats")),
        split=_counts(reader, ("split",), source["split"]) if "split" in said else None,
        origin=reader.locate((said[0],)),
    )


def _counts(reader: Reader, path: Path, value: object) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or not value:
        reader.wrong_type(path, value, "a list with a number of layers for each stage")
        return ()
    return tuple(_count(reader, path, entry, least=0) or 0 for entry in value)


def _count(reader: Reader, path: Path, value: object, *, least: int = 1) -> int | None:
    # `True` is an int, and no count.
    if value is None or (type(value) is int and least <= value <= MAX_COUNT):
        return value
    reader.wrong_type(path, value, f"a whole number from {least} to {MAX_COUNT:,}")
    return None
