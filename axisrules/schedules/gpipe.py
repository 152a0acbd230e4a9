"""GPipe: every forward task first, then every backward task."""

from axisrules.schedules.lockstep import in_rounds
from axisrules.schedules.schedule import Schedule


def gpipe(stages: int, microbatches: int, *, head_rounds: int = 0) -> Schedule:
    """All microbatches forward, then all of them backward; each device keeps all of them in between.

    Source: Huang et al. 2018, "GPipe".
    """
    turn = max(microbatches, head_rounds) + stages - 1
    return in_rounds(
        "gpipe",
        (stages, microbatches, 1),
        {"forward": lambda i, k: i + k, "backward": lambda i, k: turn + i + stages - 1 - k},
        head_rounds,
    )
