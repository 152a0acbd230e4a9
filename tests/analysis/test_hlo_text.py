"""Text of compiled programs read: every dialect, against JAX's own count of instructions where it has one."""

import re
import time

import jax
import jax.numpy as jnp
import pytest

from axisrules.analysis import read_module
from tests.analysis.samples import FOLDER, entry, module, sample

NAMES = ("v5e_tp", "v5e_fsdp", "h100_fsdp")


@pytest.mark.parametrize("name", NAMES)
def test_every_instruction_of_a_compiled_program_is_read(name: str) -> None:
    text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    lines = re.findall(r"^  (?:ROOT )?%([\w.\-]+) = ", text, re.MULTILINE)
    read = [one.name for _, one in sample(name).instructions() if "#" not in one.name]
    assert read == lines
    assert sample(name).is_scheduled
    assert sample(name).partition_count == 4
    assert sample(name).aliases == ((0, 0), (1, 1))


@pytest.mark.parametrize("name", NAMES)
def test_operands_are_instructions_of_the_same_computation(name: str) -> None:
    for computation, instruction in sample(name).instructions():
        assert set(instruction.operands) <= set(computation.by_name)


@pytest.mark.parametrize("name", NAMES)
def test_called_computations_exist(name: str) -> None:
    called = [called for _, one in sample(name).instructions() for called in one.called]
    assert called
    assert {one.name for one in called} <= set(sample(name).computations)


@pytest.mark.parametrize("name", NAMES)
def test_the_innermost_line_of_a_stack_comes_first(name: str) -> None:
    for _, instruction in sample(name).instructions():
        functions = [line.function for line in sample(name).stack(instruction)]
        assert functions[-1:] in ([], ["<module>"])
        if instruction.opcode in ("dot", "convolution") and instruction.frame_id:
            assert functions[0] == "block"


def test_what_jax_compiles_here_is_read() -> None:
    compiled = jax.jit(lambda x: jnp.tanh(x @ x).sum()).lower(jnp.ones((8, 8))).compile()
    read = read_module(compiled.as_text())
    assert read.entry.root.shape.dims == ()
    assert [one.shape.dims for one in read.entry.parameters.values()] == [(8, 8)]


def test_the_parts_of_a_line() -> None:
    line = (
        "  ROOT %r.1 = (f32[8]{0:T(128)}, u32[]{:S(2)}) custom-call(%p, /*index=1*/%q.2), "
        'custom_call_target="a, (b)", frontend_attributes={k="v"}, '
        'metadata={op_name="jit(f)/jvp(M)/mul" stack_frame_id=3}'
    )
    root = entry("  %p = f32[8] parameter(0)\n  %q.2 = s32[] constant(-7)\n" + line).entry.root
    assert (root.name, root.opcode, root.operands) == ("r.1", "custom-call", ("p", "q.2"))
    assert root.attribute("custom_call_target") == '"a, (b)"'
    assert root.attribute("frontend_attributes") == '{k="v"}'
    assert root.attribute("dimensions") == ""
    assert (root.op_name, root.frame_id) == ("jit(f)/jvp(M)/mul", 3)


def test_a_constant_keeps_its_literal_and_has_no_operands() -> None:
    constant = entry('  ROOT %c = c64[2] constant({(1, 2), (3, 4)}), metadata={op_name="x"}').entry.root
    assert constant.literal == "{(1, 2), (3, 4)}"
    assert constant.operands == ()
    assert constant.op_name == "x"


def test_operands_with_shapes_and_without_percent_signs() -> None:
    for operands in ("f32[8]{0} %p, f32[8]{0} %p", "p, p", "f32[8]{0} p, f32[8]{0} p"):
        root = entry(f"  %p = f32[8] parameter(0)\n  ROOT %a = f32[8] add({operands})").entry.root
        assert root.operands == ("p", "p")


def test_elements_of_tuples_become_instructions() -> None:
    read = entry(
        "  %p = (f32[8], (f32[4], s32[])) parameter(0)\n"
        "  %a = f32[8] negate(%p#0)\n"
        "  ROOT %b = f32[4] negate(%p#1#0)"
    )
    assert [one.name for one in read.entry.instructions] == ["p", "p#0", "a", "p#1", "p#1#0", "b"]
    inner = read.entry.by_name["p#1#0"]
    assert (inner.opcode, inner.operands, inner.attribute("index")) == ("get-tuple-element", ("p#1",), "0")
    assert str(inner.shape) == "f32[4]"


def test_parents_of_frames_are_read_with_and_without_the_shift() -> None:
    tables = (
        'FileNames\n1 "a.py"\n\nFunctionNames\n1 "outer"\n2 "inner"\n\n'
        "FileLocations\n1 {file_name_id=1 function_name_id=1 line=5}\n"
        "2 {file_name_id=1 function_name_id=2 line=9}\n\nStackFrames\n"
    )
    body = "ENTRY %m (p: f32[]) -> f32[] {\n  ROOT %p = f32[] parameter(0), metadata={stack_frame_id=2}\n}\n"
    for first, second in ((1, 2), (0, 1)):
        frames = (
            f"1 {{file_location_id=1 parent_frame_id={first}}}\n"
            f"2 {{file_location_id=2 parent_frame_id={second}}}\n\n"
        )
        read = module(tables + frames + body)
        assert [f"{line} {line.function}" for line in read.stack(read.entry.root)] == [
            "a.py:9 inner",
            "a.py:5 outer",
        ]


def test_text_without_a_program_is_refused() -> None:
    with pytest.raises(ValueError, match="no ENTRY computation"):
        read_module("HloModule broken\n%f (x: f32[]) -> f32[] {\n  ROOT %x = f32[] parameter(0)\n}\n")


def test_a_megabyte_is_read_in_half_a_second() -> None:
    text = (FOLDER / "v5e_fsdp.txt").read_text(encoding="utf-8")
    head, computations = text.split("\n\n%", 1)
    many = head + ("\n\n%" + computations) * (1_000_000 // len(text))
    started = time.process_time()
    read_module(many)
    assert time.process_time() - started < 0.5
