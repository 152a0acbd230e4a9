"""Whole numbers from a program's text, against what Python computes."""

import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.analysis.scalars import scalar
from tests.analysis.samples import entry, module

OPERATIONS = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "maximum": max,
    "minimum": min,
}
COMPARISONS = {
    "LT": operator.lt,
    "LE": operator.le,
    "GT": operator.gt,
    "GE": operator.ge,
    "EQ": operator.eq,
    "NE": operator.ne,
}


@given(st.integers(-99, 99), st.integers(-99, 99), st.sampled_from(sorted(OPERATIONS)))
def test_arithmetic(left: int, right: int, opcode: str) -> None:
    read = entry(
        f"  %a = s32[] constant({left})\n  %b = s32[] constant({right})\n  ROOT %c = s32[] {opcode}(%a, %b)"
    )
    assert scalar(read, read.entry, read.entry.root, (), []) == OPERATIONS[opcode](left, right)


@given(st.integers(-3, 3), st.integers(-3, 3), st.sampled_from(sorted(COMPARISONS)))
def test_comparisons(left: int, right: int, direction: str) -> None:
    read = entry(
        f"  %a = s32[] constant({left})\n  %b = s32[] constant({right})\n"
        f"  ROOT %c = pred[] compare(%a, %b), direction={direction}"
    )
    assert scalar(read, read.entry, read.entry.root, (), []) == COMPARISONS[direction](left, right)


def test_tuples_moves_and_fusions_are_followed() -> None:
    read = module(
        "%fused (x: s32[], y: s32[]) -> (s32[], s32[]) {\n"
        "  %x = s32[] parameter(0)\n  %y = s32[] parameter(1)\n"
        "  %s = s32[] add(%x, %y)\n  ROOT %t = (s32[], s32[]) tuple(%y, %s)\n}\n\n"
        "ENTRY %main (p: s32[]) -> s32[] {\n"
        "  %p = s32[] parameter(0)\n  %c = s32[] constant(5)\n  %m = s32[] copy(%c)\n"
        "  %f = (s32[], s32[]) fusion(%p, %m), kind=kLoop, calls=%fused\n"
        "  ROOT %g = s32[] get-tuple-element(%f), index=1\n}\n"
    )
    assert scalar(read, read.entry, read.entry.root, (), [{(): 3}.get]) == 8
    assert scalar(read, read.entry, read.entry.root, (), [{(): None}.get]) is None


@pytest.mark.parametrize(
    "body",
    [
        "  ROOT %c = f32[] constant(0.5)",
        "  ROOT %p = s32[] parameter(0)",
        "  ROOT %i = s32[4] iota(), iota_dimension=0",
    ],
)
def test_what_the_text_does_not_tell_is_unknown(body: str) -> None:
    read = entry(body)
    assert scalar(read, read.entry, read.entry.root, (), []) is None
