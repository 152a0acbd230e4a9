"""The text form of a compiled program read into a Module: TPU, GPU and CPU dialects alike."""

import re
from collections.abc import Iterator

from axisrules.analysis.hlo import Computation, Instruction, Module, SourceLine
from axisrules.analysis.shape import Shape, read_shape

_HEAD = re.compile(r"\s*(ROOT )?%?([\w.\-]+) = ")
_OPCODE = re.compile(r" ([a-z][\w\-]*)\(")
# `%while.32#1` is element 1 of a tuple, where older texts write an instruction to get it.
_OPERAND = re.compile(r"%([\w.\-]+(?:#\d+)*)")
_COMPUTATION = re.compile(r"(ENTRY )?%?([\w.\-]+) (?:\(.*\) -> .*)?\{\s*\Z")
_PARTITIONS = re.compile(r"num_partitions=(\d+)")
_ALIAS = re.compile(r"\{(\d*)\}: \((\d+), \{[\d, ]*\}")
_TABLE_ENTRY = re.compile(r'(\d+) (?:"(.*)"|\{(.*)\})\s*\Z')
_FIELD = re.compile(r"(\w+)=(\d+)")
_TABLES = ("FileNames", "FunctionNames", "FileLocations", "StackFrames")
# An operand without the percent sign, perhaps behind its shape: the last word.
_BARE_OPERAND = re.compile(r"([\w.\-]+(?:#\d+)*)\s*(?:,|\Z)")


def read_module(text: str) -> Module:
    """The module that `text` describes: `compiled.as_text()` or a dump of `--xla_dump_hlo_as_text`.

    Raises ValueError where the text holds no computation.
    """
    lines = text.splitlines()
    header = lines[0] if lines and lines[0].startswith("HloModule") else ""
    computations = {one.name: one for one in _computations(lines)}
    entry = next((one.name for one in computations.values() if one.is_entry), None)
    if entry is None:
        raise ValueError("the text holds no ENTRY computation, so it is no compiled program")
    partitions = _PARTITIONS.search(header)
    return Module(
        name=header.removeprefix("HloModule ").partition(",")[0].strip(),
        computations=computations,
        entry_name=entry,
        is_scheduled="is_scheduled=true" in header,
        partition_count=int(partitions[1]) if partitions else 1,
        aliases=_aliases(header),
        stacks=_stacks(lines),
    )


def _aliases(header: str) -> tuple[tuple[int, int], ...]:
    start = header.find("input_output_alias={")
    end = header.find(" }", start)
    found = _ALIAS.findall(header[start:end]) if start >= 0 else []
    return tuple((int(output or 0), int(parameter)) for output, parameter in found)


def _computations(lines: list[str]) -> Iterator[Computation]:
    name, is_entry, start = "", False, 0
    for number, line in enumerate(lines):
        if name and line.startswith("}"):
            yield Computation(name, _instructions(lines[start:number]), is_entry)
            name = ""
        elif not name and line.endswith("{") and (found := _COMPUTATION.match(line)):
            is_entry, name, start = bool(found[1]), found[2], number + 1


def _instructions(lines: list[str]) -> tuple[Instruction, ...]:
    read: dict[str, Instruction] = {}
    for line in lines:
        instruction = _instruction(line)
        if instruction:
            for operand in instruction.operands if "#" in line else ():
                _add_element(operand, read)
            read[instruction.name] = instruction
    return tuple(read.values())


def _add_element(operand: str, instructions: dict[str, Instruction]) -> None:
    """Adds the instruction that an operand `tuple#1` stands for, so that all texts read alike."""
    made_by, is_element, index = operand.rpartition("#")
    if not is_element or operand in instructions:
        return
    _add_element(made_by, instructions)
    elements = instructions[made_by].shape.elements if made_by in instructions else ()
    shape = elements[int(index)] if int(index) < len(elements) else Shape("tuple")
    instructions[operand] = Instruction(
        operand, "get-tuple-element", shape, (made_by,), literal="", text=f", index={index}"
    )


def _instruction(line: str) -> Instruction | None:
    head = _HEAD.match(line)
    if not head:
        return None
    # The space before the opcode is the first one that a word and a parenthesis follow: inside a
    # tuple's shape, a space is always followed by an element type and a bracket.
    opcode = _OPCODE.search(line, head.end() - 1)
    if not opcode:
        return None
    start = opcode.end()
    end = _closing(line, start)
    inside = line[start:end]
    operands: tuple[str, ...] = ()
    if opcode[1] not in ("constant", "parameter", "iota"):
        operands = tuple(_OPERAND.findall(inside))
        if inside and not operands:
            operands = tuple(_BARE_OPERAND.findall(inside))
    return Instruction(
        name=head[2],
        opcode=opcode[1],
        shape=read_shape(line[head.end() : opcode.start()]),
        operands=operands,
        literal="" if operands else inside,
        text=line[end + 1 :],
        is_root=head[1] is not None,
    )


def _closing(line: str, start: int) -> int:
    """Where the parenthesis closes that opens just before `start`."""
    end = line.find(")", start)
    if end < 0:
        return len(line)
    opened = line.find("(", start, end)
    if opened < 0:
        return end
    depth = 1
    for place in range(start, len(line)):
        letter = line[place]
        depth += (letter == "(") - (letter == ")")
        if not depth:
            return place
    return len(line)


def _stacks(lines: list[str]) -> dict[int, tuple[SourceLine, ...]]:
    """Source lines by stack frame id, from the tables above the computations."""
    tables: dict[str, dict[int, str]] = {name: {} for name in _TABLES}
    current: dict[int, str] | None = None
    for line in lines:
        if line.startswith(("%", "ENTRY")):
            break
        if line in tables:
            current = tables[line]
        elif current is not None and (entry := _TABLE_ENTRY.match(line)):
            current[int(entry[1])] = entry[2] if entry[2] is not None else entry[3]
    frames = {number: _fields(text) for number, text in tables["StackFrames"].items()}
    lines_of = {number: _line(_fields(text), tables) for number, text in tables["FileLocations"].items()}
    # XLA prints a parent's id one too high (no frame is its own parent, and 1 stands for none).
    shift = any(fields.get("parent_frame_id") == number for number, fields in frames.items())
    located = {number: lines_of.get(fields.get("file_location_id", 0)) for number, fields in frames.items()}
    parents = {number: fields.get("parent_frame_id", 0) - shift for number, fields in frames.items()}
    return {number: tuple(_walk(number, located, parents)) for number in frames}


def _fields(text: str) -> dict[str, int]:
    return {name: int(value) for name, value in _FIELD.findall(text)}


def _line(fields: dict[str, int], tables: dict[str, dict[int, str]]) -> SourceLine:
    return SourceLine(
        file=tables["FileNames"].get(fields.get("file_name_id", 0), ""),
        line=fields.get("line", 0),
        function=tables["FunctionNames"].get(fields.get("function_name_id", 0), ""),
    )


def _walk(
    number: int, located: dict[int, SourceLine | None], parents: dict[int, int]
) -> Iterator[SourceLine]:
    seen: set[int] = set()
    while number in located and number not in seen:
        seen.add(number)
        if line := located[number]:
            yield line
        number = parents[number]
