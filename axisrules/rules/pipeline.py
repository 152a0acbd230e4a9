"""What a table says of pipelines: the schedule, and into how many parts the batch and the layers go."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace

from axisrules.diagnostics import Origin

# The logical axes of stacked layers: what maps one to a mesh axis maps stages to it.
STAGED_AXES = ("layers", "stage")


@dataclass(frozen=True, slots=True)
class PipelineRules:
    """The pipeline of a table; None where the table says nothing.

    `schedule` is a name, `microbatches` the parts of each device's rows, `repeats` the stages on a device,
    and `split` how many layers each stage has, through all of them in the model's order.
    """

    schedule: str | None = None
    microbatches: int | None = None
    repeats: int | None = None
    split: tuple[int, ...] | None = None
    origin: Origin = field(default=Origin("<python>"), compare=False)

    @property
    def entries(self) -> Iterator[tuple[str, str | int | tuple[int, ...]]]:
        """What is said, by the keys of a table."""
        values = ((key, getattr(self, key)) for key in PIPELINE_KEYS)
        return ((key, value) for key, value in values if value is not None)

    def __or__(self, override: "PipelineRules") -> "PipelineRules":
        """This with what `override` says in its place."""
        said = dict(override.entries)
        return replace(self, **said, origin=override.origin) if said else self  # type: ignore[arg-type]


NO_PIPELINE = PipelineRules()
PIPELINE_KEYS = tuple(one.name for one in fields(PipelineRules) if one.name != "origin")
