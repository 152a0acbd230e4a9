"""Pipeline schedules as values: a file per schedule, and a verifier that trusts none of them."""

from axisrules.schedules.advice import (
    advise_balance,
    advise_bubble,
    advise_need,
    advise_network,
    advise_rows,
)
from axisrules.schedules.balance import PartCosts, Split, balance, even_split, imbalance
from axisrules.schedules.choose import SCHEDULES, make_schedule
from axisrules.schedules.facts import Costs, Facts, facts
from axisrules.schedules.gpipe import gpipe
from axisrules.schedules.interleaved import interleaved
from axisrules.schedules.lockstep import Loop, forward_only, head_loops, loops
from axisrules.schedules.one_f_one_b import one_f_one_b
from axisrules.schedules.schedule import KINDS, Kind, Schedule, Task
from axisrules.schedules.slots import Places, Slots, assign_slots
from axisrules.schedules.verify import verify
from axisrules.schedules.zero_bubble import zero_bubble

__all__ = [
    "KINDS",
    "SCHEDULES",
    "Costs",
    "Facts",
    "Kind",
    "Loop",
    "PartCosts",
    "Places",
    "Schedule",
    "Slots",
    "Split",
    "Task",
    "advise_balance",
    "advise_bubble",
    "advise_need",
    "advise_network",
    "advise_rows",
    "assign_slots",
    "balance",
    "even_split",
    "facts",
    "forward_only",
    "gpipe",
    "head_loops",
    "imbalance",
    "interleaved",
    "loops",
    "make_schedule",
    "one_f_one_b",
    "verify",
    "zero_bubble",
]
