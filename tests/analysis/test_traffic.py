"""Bytes that instructions move, counted by hand."""

import pytest

from axisrules.analysis.traffic import Traffic, copy_traffic, instruction_traffic
from tests.analysis.programs import program

SLICER = """%slicer (a: f32[8,100], i: s32[]) -> f32[100] {
  %a = f32[8,100] parameter(0)
  %i = s32[] parameter(1)
  %zero = s32[] constant(0)
  %piece = f32[1,100] dynamic-slice(%a, %i, %zero), dynamic_slice_sizes={1,100}
  ROOT %flat = f32[100] bitcast(%piece)
}
"""

UPDATER = """%updater (a: f32[8,100], b: f32[1,100], i: s32[]) -> f32[8,100] {
  %a = f32[8,100] parameter(0)
  %b = f32[1,100] parameter(1)
  %i = s32[] parameter(2)
  %zero = s32[] constant(0)
  ROOT %new = f32[8,100] dynamic-update-slice(%a, %b, %i, %zero)
}
"""

CHAINED = """%chained (a: f32[100], b: f32[25], c: f32[100]) -> (f32[100], f32[25], f32[100]) {
  %a = f32[100] parameter(0)
  %b = f32[25] parameter(1)
  %c = f32[100] parameter(2)
  %twice = f32[100] add(%a, %a)
  %gathered = f32[100] all-gather(%b), replica_groups={{0,1,2,3}}, dimensions={0}
  ROOT %out = (f32[100], f32[25], f32[100]) tuple(%twice, %b, %gathered)
}
"""


def traffic_of(line: str, before: str = "", computations: str = "") -> Traffic:
    module = program(f"{before}\n  ROOT %it = {line}", computations)
    return instruction_traffic(module, module.entry, module.entry.by_name["it"])


A = "  %a = f32[8,100] parameter(0)\n  %i = s32[] parameter(1)\n"


@pytest.mark.parametrize(
    ("line", "computations", "expected"),
    [
        ("f32[8,100] add(%a, %a)", "", Traffic(main_bytes=3 * 3200)),
        ("f32[8,100]{1,0:S(1)} negate(%a)", "", Traffic(main_bytes=3200, chip_bytes=3200)),
        ("f32[1,100] dynamic-slice(%a, %i), dynamic_slice_sizes={1,100}", "", Traffic(main_bytes=800)),
        ("f32[800] bitcast(%a)", "", Traffic()),
        ('f32[8,100] custom-call(), custom_call_target="AllocateBuffer"', "", Traffic()),
        ("f32[100] fusion(%a, %i), kind=kLoop, calls=%slicer", SLICER, Traffic(main_bytes=400 + 4 + 400)),
    ],
)
def test_what_an_instruction_moves(line: str, computations: str, expected: Traffic) -> None:
    assert traffic_of(line, A, computations) == expected


def test_an_update_in_place_moves_the_slice_alone() -> None:
    before = A + "  %b = f32[1,100] parameter(2)\n"
    fused = traffic_of("f32[8,100] fusion(%a, %b, %i), kind=kLoop, calls=%updater", before, UPDATER)
    assert fused == Traffic(main_bytes=400 + 4 + 400)  # read the slice and its place, write the slice
    assert traffic_of("f32[8,100] dynamic-update-slice(%a, %b, %i, %i)", before) == Traffic(main_bytes=800)


def test_a_collective_on_its_way_through_a_fusion_is_not_the_fusions_traffic() -> None:
    before = "  %a = f32[100] parameter(0)\n  %b = f32[25] parameter(1)\n  %c = f32[100] parameter(2)"
    line = "(f32[100], f32[25], f32[100]) fusion(%a, %b, %c), kind=kOutput, calls=%chained"
    assert traffic_of(line, before, CHAINED) == Traffic(main_bytes=2 * 400)


def test_asynchronous_copies() -> None:
    module = program(
        "  %p = f32[100] parameter(0)\n"
        "  %c = (f32[100]{0:S(1)}, f32[100]{0}, u32[]{:S(2)}) copy-start(%p)\n"
        "  %s = ((f32[100]{0}), f32[25]{0:S(1)}, s32[]{:S(2)}) slice-start(%p), slice={[0:25]}\n"
        "  ROOT %d = f32[100]{0:S(1)} copy-done(%c)"
    )
    assert copy_traffic(module.entry.by_name["c"]) == Traffic(main_bytes=400, chip_bytes=400)
    assert copy_traffic(module.entry.by_name["s"]) == Traffic(main_bytes=100, chip_bytes=100)
