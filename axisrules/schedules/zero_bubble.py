"""Zero bubble in lockstep: weights' gradients go apart, and need no bubble at all."""

from axisrules.schedules.lockstep import in_rounds
from axisrules.schedules.schedule import Schedule


def zero_bubble(stages: int, microbatches: int, *, head_rounds: int = 0) -> Schedule:
    """1F1B whose backward tasks are cut in two: `backward` for the inputs, `weight` for the weights.

    No device waits for another's weights' gradients, so that all devices do those of one microbatch in
    the same tick, and of the bubble only the forward and backward ticks are left.

    Source: Qi et al. 2023, "Zero bubble pipeline parallelism", schedule ZB-H1; here in lockstep.
    """
    first_back = stages - 1 + head_rounds
    return in_rounds(
        "zero_bubble",
        (stages, microbatches, 1),
        {
            "forward": lambda i, k: i + k,
            "backward": lambda i, k: first_back + i + stages - 1 - k,
            "weight": lambda i, _: first_back + i + stages - 1,
        },
        head_rounds,
    )
