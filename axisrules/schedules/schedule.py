"""What a pipeline schedule is: who does which part of which microbatch at which tick."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

# `weight` is the part of a backward pass that only weights' gradients need, where it goes apart.
Kind = Literal["forward", "backward", "weight"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Task:
    """One microbatch through one virtual stage, one way, on one device at one tick; all count from 0."""

    tick: int
    device: int
    kind: Kind
    microbatch: int
    virtual_stage: int


@dataclass(frozen=True)
class Schedule:
    """Tasks on `stages` devices, each of which holds `repeats` virtual stages of the model.

    Virtual stage k lies on device k % stages. At a tick all devices do work of one kind, or wait: one
    program runs on every device, so that they can only wait together. `rounds` has the kinds of the ticks,
    taken together to turns of a loop: each kind at most once, in the order forward, backward, weight.
    Devices send to each other between rounds. The loss of a microbatch is known `head_rounds` rounds after
    its last forward task; a round without ticks does nothing but that.

    A device has at least `least_saved` places for what its forward tasks save, however few it needs.
    """

    name: str
    stages: int
    microbatches: int
    repeats: int
    rounds: tuple[tuple[Kind, ...], ...]
    tasks: tuple[Task, ...]
    head_rounds: int = 0
    least_saved: int = 0

    @property
    def virtual_stages(self) -> int:
        """Into how many pieces the layers are cut."""
        return self.stages * self.repeats

    @property
    def has_weight_tasks(self) -> bool:
        """Whether weights' gradients are tasks of their own."""
        return any("weight" in kinds for kinds in self.rounds)

    @cached_property
    def ticks(self) -> tuple[Kind, ...]:
        """The kind of every tick."""
        return tuple(kind for kinds in self.rounds for kind in kinds)

    @cached_property
    def round_of_tick(self) -> tuple[int, ...]:
        """The round that each tick belongs to."""
        return tuple(number for number, kinds in enumerate(self.rounds) for _ in kinds)

    @cached_property
    def round_of(self) -> dict[tuple[Kind, int, int], int]:
        """The round of every task, by kind, microbatch and virtual stage."""
        numbers = self.round_of_tick
        return {(t.kind, t.microbatch, t.virtual_stage): numbers[t.tick] for t in self.tasks}

    def of_kind(self, kind: Kind) -> Iterator[Task]:
        """The tasks of one kind, in order of ticks."""
        return (task for task in self.tasks if task.kind == kind)
