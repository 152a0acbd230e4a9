"""Interleaved 1F1B: each device holds several thin stages, which makes the bubble thinner by as much."""

from dataclasses import replace

from axisrules.schedules.lockstep import in_rounds
from axisrules.schedules.schedule import Schedule


def interleaved(stages: int, microbatches: int, repeats: int, *, head_rounds: int = 0) -> Schedule:
    """Microbatches go round the devices `repeats` times, `stages` of them at once.

    With i = gS + q and k = cS + d (S stages, v repeats), forward is at round gSv + cS + q + d, and
    backward at vS - 1 + gSv + (v - 1 - c)S + q + (S - 1 - d). `microbatches` is a multiple of `stages`
    unless `repeats` is 1.

    Once every device has work, what is kept does not grow with the microbatches. From `stages` of them on
    there are as many places as that takes: what fits with some fits with any number.

    Source: Narayanan et al. 2021, "Efficient large-scale language model training", section 2.2.
    """
    period = stages * repeats
    first_back = period - 1 + head_rounds

    def forward(microbatch: int, virtual_stage: int) -> int:
        group, place = divmod(microbatch, stages)
        return group * period + virtual_stage + place

    def backward(microbatch: int, virtual_stage: int) -> int:
        group, place = divmod(microbatch, stages)
        return first_back + group * period + place + period - 1 - virtual_stage

    rounds = {"forward": forward, "backward": backward}
    made = in_rounds("interleaved", (stages, microbatches, repeats), rounds, head_rounds)  # type: ignore[arg-type]
    return replace(made, least_saved=period - 1 + stages + head_rounds if microbatches >= stages else 0)
