"""A schedule as tables of numbers, a row per round and a column per device: what the engine's loops read."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from axisrules.pipeline.spare import ARRIVED, MADE, READ, Uses, with_spare
from axisrules.schedules import Kind, Places, Schedule, Slots, assign_slots

Table = dict[str, np.ndarray]
BOXES = ("inbox", "saved", "outbox", "parked")


@dataclass(frozen=True, eq=False)
class Tables:
    """Tables of int32 [rounds, stages]. Whoever waits reads any place, and writes where nobody reads."""

    schedule: Schedule

    @cached_property
    def slots(self) -> Slots:
        """The places of the schedule."""
        return assign_slots(self.schedule)

    @cached_property
    def all(self) -> Table:
        """Every table by name: what each device does, reads and is sent in each round."""
        tasks = self._tasks("forward") | self._tasks("backward") | self._tasks("weight")
        places = {name: np.maximum(table, 0) for name, table in self._reads.items()}
        places |= {name: table for box in BOXES for name, table in self._written[box][0].items()}
        return tasks | places | (self._spread_head() if self.schedule.head_rounds else {})

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many places each box of a device has."""
        return {box: self._written[box][1] for box in BOXES}

    @cached_property
    def _reads(self) -> Table:
        slots = self.slots
        return {
            "forward_inbox": self._own("forward", slots.inbox),
            "backward_saved": self._own("backward", slots.saved),
            "backward_outbox": self._own("backward", slots.outbox),
            "weight_parked": self._own("weight", slots.parked),
        }

    @cached_property
    def _written(self) -> dict[str, tuple[Table, int]]:
        """For each box the tables of what is put into it, and its places."""
        slots = self.slots
        writes: dict[str, dict[str, Uses]] = {
            "inbox": {"arriving_inbox": (self._sent("forward", 1, slots.inbox), ARRIVED)},
            "saved": {"forward_saved": (self._own("forward", slots.saved), MADE)},
            "outbox": {
                "arriving_outbox": (self._sent("backward", -1, slots.outbox), ARRIVED),
                "head_outbox": (self._head_outbox(), MADE),
            },
            "parked": {"backward_parked": (self._own("backward", slots.parked), MADE)},
        }
        found = {}
        for box, named in writes.items():
            reads = [(table, READ) for name, table in self._reads.items() if name.endswith(box)]
            tables, count = with_spare(list(named.values()), reads, getattr(slots, f"{box}_count"))
            found[box] = (dict(zip(named, tables, strict=True)), count)
        return found

    def _empty(self, value: int) -> np.ndarray:
        return np.full((len(self.schedule.rounds), self.schedule.stages), value, np.int32)

    def _tasks(self, kind: Kind) -> Table:
        on, microbatch, stage = self._empty(0), self._empty(0), self._empty(0)
        for task in self.schedule.of_kind(kind):
            at = self.schedule.round_of_tick[task.tick], task.device
            on[at], microbatch[at], stage[at] = 1, task.microbatch, task.virtual_stage
        return {f"{kind}_on": on, f"{kind}_microbatch": microbatch, f"{kind}_stage": stage}

    def _own(self, kind: Kind, places: Places) -> np.ndarray:
        """The place that each task of `kind` uses on its own device; -1 for none."""
        table = self._empty(-1)
        for task in self.schedule.of_kind(kind):
            key = (task.device, task.microbatch, task.virtual_stage)
            if key in places:
                table[self.schedule.round_of_tick[task.tick], task.device] = places[key]
        return table

    def _sent(self, kind: Kind, step: int, places: Places) -> np.ndarray:
        """Where each device puts what its neighbour sends it at the end of a round; -1 for none."""
        table = self._empty(-1)
        for task in self.schedule.of_kind(kind):
            stage = task.virtual_stage + step
            device = stage % self.schedule.stages
            key = (device, task.microbatch, stage)
            if key in places and 0 <= stage < self.schedule.virtual_stages:
                table[self.schedule.round_of_tick[task.tick], device] = places[key]
        return table

    def _head_outbox(self) -> np.ndarray:
        """Where the last device puts the gradients that the head gives."""
        slots, schedule = self.slots, self.schedule
        table = self._empty(-1)
        for (device, microbatch, stage), place in slots.outbox.items():
            if stage == schedule.virtual_stages - 1:
                turn = schedule.round_of["forward", microbatch, stage] + schedule.head_rounds
                table[turn, device] = place
        return table

    def _spread_head(self) -> Table:
        """On whose rows each device works when a microbatch's activations go round all of them."""
        on, microbatch = self._empty(0), self._empty(0)
        schedule = self.schedule
        for i in range(schedule.microbatches):
            first = schedule.round_of["forward", i, schedule.virtual_stages - 1]
            for hop in range(schedule.stages):
                at = first + hop, (schedule.stages - 1 + hop) % schedule.stages
                if at[0] < len(schedule.rounds):
                    on[at], microbatch[at] = 1, i
        return {"head_on": on, "head_microbatch": microbatch}


def rows_between(tables: Mapping[str, np.ndarray], first: int, count: int) -> Table:
    """The rows of one loop."""
    return {name: table[first : first + count] for name, table in tables.items()}
