"""A compiled program as values: modules of computations of instructions, in schedule order."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from axisrules.analysis.shape import Shape, split_level

_OP_NAME = re.compile(r'op_name="((?:[^"\\]|\\.)*)"')
_FRAME = re.compile(r"stack_frame_id=(\d+)")
_CALLED = re.compile(
    r"\b(calls|body|condition|to_apply|true_computation|false_computation)=%?([\w.\-]+)"
    r"|\b(?:branch_computations|called_computations)=\{([^}]*)\}"
)
_NAME = re.compile(r"%?([\w.\-]+)\s*\Z")


@dataclass(frozen=True)
class SourceLine:
    """A line of the user's program: file as Python reports it, line, qualified function name."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class CalledComputation:
    """A computation that an instruction calls, and as what: `calls`, `body`, `condition`, `branch`, ..."""

    role: str
    name: str


@dataclass(frozen=True, eq=False)
class Instruction:
    """One instruction; `operands` are the names of instructions of the same computation.

    `literal` is what stands between the parentheses of a constant or a parameter; `text` is the rest
    of the line after them, as it stands in the program.
    """

    name: str
    opcode: str
    shape: Shape
    operands: tuple[str, ...]
    literal: str
    text: str
    is_root: bool = False

    @cached_property
    def attributes(self) -> dict[str, str]:
        """Every attribute (`channel_id`, `dimensions`, `backend_config`, ...) with its text."""
        pairs = (part.partition("=") for part in split_level(self.text))
        return {name.strip(): value.strip() for name, equals, value in pairs if equals}

    def attribute(self, name: str) -> str:
        """The text of one attribute, empty where the instruction has none of that name."""
        return self.attributes.get(name, "") if f"{name}=" in self.text else ""

    @cached_property
    def op_name(self) -> str:
        """The name stack of the operation that became this instruction; empty where XLA lost it."""
        found = _OP_NAME.search(self.text)
        return found[1] if found else ""

    @cached_property
    def frame_id(self) -> int:
        """Number of the stack frame in the module's table; 0 for none."""
        found = _FRAME.search(self.text)
        return int(found[1]) if found else 0

    @cached_property
    def called(self) -> tuple[CalledComputation, ...]:
        """The computations this instruction calls, in the order of the text."""
        found: list[CalledComputation] = []
        for match in _CALLED.finditer(self.text) if "=%" in self.text or "={%" in self.text else ():
            role, name, several = match.groups()
            if role:
                is_branch = role in ("true_computation", "false_computation")
                found.append(CalledComputation("branch" if is_branch else role, name))
            else:
                names = (_NAME.search(part) for part in split_level(several))
                found += [CalledComputation("branch", name[1]) for name in names if name]
        return tuple(found)

    def called_as(self, role: str) -> str:
        """The name of the computation called as `role`, empty for none."""
        return next((called.name for called in self.called if called.role == role), "")


@dataclass(frozen=True, eq=False)
class Computation:
    """A function of the program; `instructions` stand in schedule order where the module is scheduled."""

    name: str
    instructions: tuple[Instruction, ...]
    is_entry: bool = False

    @cached_property
    def by_name(self) -> dict[str, Instruction]:
        """Instruction by name."""
        return {instruction.name: instruction for instruction in self.instructions}

    @cached_property
    def root(self) -> Instruction:
        """The instruction whose value the computation returns."""
        return next((one for one in self.instructions if one.is_root), self.instructions[-1])

    @cached_property
    def parameters(self) -> dict[int, Instruction]:
        """Parameters by number."""
        return {int(one.literal): one for one in self.instructions if one.opcode == "parameter"}

    @cached_property
    def users(self) -> dict[str, tuple[Instruction, ...]]:
        """For every instruction's name, the instructions that take its value, in schedule order."""
        found: dict[str, list[Instruction]] = {}
        for instruction in self.instructions:
            for operand in dict.fromkeys(instruction.operands):
                found.setdefault(operand, []).append(instruction)
        return {name: tuple(users) for name, users in found.items()}

    def operand(self, instruction: Instruction, index: int) -> Instruction | None:
        """The instruction that makes operand `index`, or None where there is none."""
        if index >= len(instruction.operands):
            return None
        return self.by_name.get(instruction.operands[index])


@dataclass(frozen=True, eq=False)
class Module:
    """A whole compiled program.

    `partition_count` is the number of devices that one copy of the program runs on (one slice's
    devices where the mesh goes over several slices). `aliases` lists (result index, parameter)
    for donated buffers. `stacks` holds, by stack frame id, the source lines from the innermost out.
    """

    name: str
    computations: dict[str, Computation]
    entry_name: str
    is_scheduled: bool
    partition_count: int
    aliases: tuple[tuple[int, int], ...]
    stacks: dict[int, tuple[SourceLine, ...]]

    @property
    def entry(self) -> Computation:
        """The computation that the device starts with."""
        return self.computations[self.entry_name]

    def called(self, instruction: Instruction, role: str) -> Computation | None:
        """The computation that `instruction` calls as `role`, or None."""
        return self.computations.get(instruction.called_as(role))

    def stack(self, instruction: Instruction) -> tuple[SourceLine, ...]:
        """The source lines that made the instruction, innermost first; empty where XLA lost them."""
        return self.stacks.get(instruction.frame_id, ())

    def instructions(self) -> Iterator[tuple[Computation, Instruction]]:
        """Every instruction with its computation."""
        for computation in self.computations.values():
            for instruction in computation.instructions:
                yield computation, instruction
