"""What a candidate costs where no compiler is asked: made up, and least away from the corners."""

import math


def cost(one):
    """A made-up cost with its least value away from the corners, as real ones have."""
    seconds = 1 + 0.2 * abs(math.log2(one.size("tensor")) - 1) + 0.1 * math.log2(one.size("data"))
    seconds += 0.05 * ("vocab" not in one.cut) + 0.04 * ("mlp" not in one.cut)
    seconds += 0.03 * ("heads" not in one.cut)
    seconds += 0.1 * (one.size("tensor") > 1 and not one.cuts_positions)
    seconds *= {"none": 1.0, "attention": 1.1, "full": 1.3}[one.remat] * one.accumulate**0.2
    return seconds * (1.05 if one.sharded == "optimizer" else 1.0)


def room(one):
    """Made-up bytes: recomputing and accumulating save some, cutting over fsdp saves more."""
    held = 40.0 / one.size("fsdp") / one.size("tensor") ** 0.5
    return held * {"none": 1.0, "attention": 0.7, "full": 0.4}[one.remat] / one.accumulate**0.3
