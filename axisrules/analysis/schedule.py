"""A scheduled module as steps to replay: the core's work, transfers from start to end, loops by their counts.

Source of the model: docs/pages/cost_model.md, "The replay".
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from axisrules.analysis.hlo import Computation, Instruction, Module
from axisrules.analysis.loops import Visit, trip_count
from axisrules.analysis.replay import HBM, Branches, Done, Loop, Start, Step
from axisrules.analysis.roofline import MEMORY, DeviceRates, instruction_work
from axisrules.analysis.traffic import copy_traffic

# The TPU compiler hands an asynchronous collective from fusion to fusion, all with one chain id; the first
# fusion and the last hold these calls. Those between may lie in the bodies of inner loops.
_CHAIN = re.compile(r'chain_id="(\d+)"')
_CHAIN_START, _CHAIN_DONE = "AsyncCollectiveStart", "AsyncCollectiveDone"
# What goes to other slices is sent to a host, which reduces and answers under the same name.
_RENDEZVOUS = re.compile(r'_xla_host_transfer_rendezvous="([^"]*)"')

_COPIES = {"copy-start", "slice-start"}
_STARTS = ("-start", "-update")


@dataclass(frozen=True)
class Schedule:
    """What turns a module into steps.

    `transfers` are the module's collectives, by computation and instruction; `rates` are one device's.
    """

    module: Module
    rates: DeviceRates
    transfers: Mapping[tuple[str, str], Start]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the whole program, loops not unrolled."""
        return self._of(Visit(self.module.entry))

    def _of(self, visit: Visit) -> tuple[Step, ...]:
        return tuple(step for one in visit.computation.instructions for step in self._step(visit, one))

    def _step(self, visit: Visit, instruction: Instruction) -> Iterator[Step]:
        opcode, computation = instruction.opcode, visit.computation
        if opcode in ("while", "conditional", "call"):
            yield from self._nested(visit, instruction)
        elif opcode in _COPIES:
            seconds = copy_traffic(instruction).main_bytes / self.rates.memory_bytes_per_second
            yield Start(instruction.name, MEMORY, seconds, (HBM,))
        elif opcode.endswith("-done"):
            yield Done(_started_by(computation, instruction))
        elif opcode == "fusion" and (chain := self._chain(instruction)):
            yield from self._chained(computation, instruction, chain)
        elif found := self._collectives(computation, instruction):
            name = _rendezvous(instruction)
            yield from (Start(name, start.term, start.seconds, start.links) for start in found)
            if not opcode.endswith(_STARTS) and opcode != "send":
                yield Done(name)
        elif not opcode.endswith(_STARTS) and opcode not in ("send", "recv"):
            yield from instruction_work(self.module, computation, instruction, self.rates)

    def _nested(self, visit: Visit, instruction: Instruction) -> Iterator[Step]:
        """The loop, branch or call that `instruction` is; the test of a loop is left out."""
        computations = self.module.computations
        bodies = tuple(
            self._of(Visit(computations[called.name], caller=instruction, role=called.role, parent=visit))
            for called in instruction.called
            if called.role != "condition" and called.name in computations
        )
        if instruction.opcode == "conditional":
            yield Branches(bodies)
        elif instruction.opcode == "while":
            trips = trip_count(self.module, instruction, visit)
            yield Loop(bodies[0], 1 if trips is None else trips)
        else:
            yield Loop(bodies[0], 1)

    def _collectives(self, computation: Computation, instruction: Instruction) -> list[Start]:
        """The collectives that `instruction` is or fuses."""
        own = self.transfers.get((computation.name, instruction.name))
        if own:
            return [own]
        inner = self.module.called(instruction, "calls")
        if inner is None or instruction.opcode not in ("fusion", "async-start"):
            return []
        return [start for one in inner.instructions for start in self._collectives(inner, one)]

    def _chain(self, fusion: Instruction) -> "_Chain | None":
        """The fusion's part in an asynchronous collective; None where it has none."""
        inner = self.module.called(fusion, "calls")
        instructions = inner.instructions if inner else ()
        for one in instructions:
            if found := _CHAIN.search(one.text):
                calls = {made.attribute("custom_call_target").strip('"') for made in instructions}
                return _Chain(f"chain {found[1]}", _CHAIN_START in calls, _CHAIN_DONE in calls)
        return None

    def _chained(self, computation: Computation, fusion: Instruction, chain: "_Chain") -> Iterator[Step]:
        if chain.is_start:
            for start in self._collectives(computation, fusion):
                yield Start(chain.name, start.term, start.seconds, start.links)
        elif chain.is_done:
            yield Done(chain.name)
        else:
            yield from instruction_work(self.module, computation, fusion, self.rates)


@dataclass(frozen=True, slots=True)
class _Chain:
    name: str
    is_start: bool
    is_done: bool


def _started_by(computation: Computation, done: Instruction) -> str:
    """The name of the transfer that a `-done` waits for, through any updates between."""
    made = computation.operand(done, 0)
    while made is not None and made.opcode.endswith("-update"):
        made = computation.operand(made, 0)
    if made is None or made.opcode == "send":
        return ""  # the answer is waited for, not that the host has taken what was sent
    return _rendezvous(made)


def _rendezvous(instruction: Instruction) -> str:
    found = _RENDEZVOUS.search(instruction.text)
    return found[1] if found else instruction.name
