"""1F1B in lockstep: once the pipeline is full, every round has a forward and a backward tick."""

from dataclasses import replace

from axisrules.schedules.interleaved import interleaved
from axisrules.schedules.schedule import Schedule


def one_f_one_b(stages: int, microbatches: int, *, head_rounds: int = 0) -> Schedule:
    """A microbatch goes back as soon as it has reached the end: what is kept does not grow with them.

    Device d works forward at round i + d and backward at round stages - 1 + i + (stages - 1 - d).
    Source: Narayanan et al. 2019, "PipeDream"; here all devices change direction together.
    """
    return replace(interleaved(stages, microbatches, 1, head_rounds=head_rounds), name="1f1b")
