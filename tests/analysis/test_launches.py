"""Collectives found once, whatever form the compiler gave them."""

import pytest

from axisrules.analysis.flow import Flow
from axisrules.analysis.launches import find_launches, replaced_kinds
from tests.analysis.samples import entry, module, sample

RING = "source_target_pairs={{0,1},{1,2},{2,3},{3,0}}"
NAME = 'metadata={op_name="jit(f)/jvp(Net)/mlp/dot_general"}'
# The loop that stands for a gather beside a product, as the TPU and GPU compilers name it.
WINDOWED = f"""
%windowed_dot_general_body_KIND (s: (f32[8,8], s32[])) -> (f32[8,8], s32[]) {{
  %s = (f32[8,8], s32[]) parameter(0)
  %x = f32[8,8] get-tuple-element(%s), index=0
  %i = s32[] get-tuple-element(%s), index=1
  %one = s32[] constant(1)
  %j = s32[] add(%i, %one)
  %inside = f32[8,8] collective-permute(%x), {RING}
  ROOT %t = (f32[8,8], s32[]) tuple(%inside, %j)
}}

%cond (s: (f32[8,8], s32[])) -> pred[] {{
  %s = (f32[8,8], s32[]) parameter(0)
  %i = s32[] get-tuple-element(%s), index=1
  %n = s32[] constant(3)
  ROOT %go = pred[] compare(%i, %n), direction=LT
}}

ENTRY %main (p: f32[8,8]) -> f32[8,8] {{
  %p = f32[8,8] parameter(0)
  %before = f32[8,8] collective-permute(%p), {RING}
  %zero = s32[] constant(0)
  %t = (f32[8,8], s32[]) tuple(%before, %zero)
  %w = (f32[8,8], s32[]) while(%t), condition=%cond, body=%windowed_dot_general_body_KIND
  %x = f32[8,8] get-tuple-element(%w), index=0
  ROOT %after = f32[8,8] collective-permute(%x), {RING}
}}
"""


@pytest.mark.parametrize(("kind", "replaced"), [("ag", "all-gather"), ("rs", "reduce-scatter")])
def test_permutes_of_a_windowed_loop_say_what_they_replace(kind: str, replaced: str) -> None:
    read = module(WINDOWED.replace("KIND", kind), devices=4)
    launches = find_launches(read)
    assert [(one.handle.name, one.count) for one in launches] == [("before", 1), ("inside", 3), ("after", 1)]
    assert list(replaced_kinds(Flow(read), launches)) == [replaced] * 3


def test_permutes_of_an_unrolled_loop_are_told_by_the_product() -> None:
    gathered = entry(
        f"  %p = f32[8,8] parameter(0)\n  %c = f32[8,8] collective-permute(%p), {RING}, {NAME}\n"
        "  ROOT %d = f32[8,8] dot(%c, %p), lhs_contracting_dims={1}, rhs_contracting_dims={0}"
    )
    summed = entry(
        "  %p = f32[8,8] parameter(0)\n"
        "  %d = f32[8,8] dot(%p, %p), lhs_contracting_dims={1}, rhs_contracting_dims={0}\n"
        f"  %c = f32[8,8] collective-permute(%d), {RING}, {NAME}\n  ROOT %s = f32[8,8] add(%c, %d)"
    )
    found = [next(replaced_kinds(Flow(read), find_launches(read))) for read in (gathered, summed)]
    assert found == ["all-gather", "reduce-scatter"]


def test_a_permute_that_a_user_wrote_replaces_nothing() -> None:
    read = entry(
        f"  %p = f32[8,8] parameter(0)\n  %c = f32[8,8] collective-permute(%p), {RING}, "
        'metadata={op_name="jit(f)/jvp(Net)/ppermute"}\n'
        "  ROOT %d = f32[8,8] dot(%c, %p), lhs_contracting_dims={1}, rhs_contracting_dims={0}"
    )
    assert list(replaced_kinds(Flow(read), find_launches(read))) == [""]


def test_a_sum_that_is_cut_in_its_fusion_is_a_reduce_scatter() -> None:
    kinds = {one.home.name: one.kind for one in find_launches(sample("v5e_fsdp"))}
    fused = [name for name in kinds if name.startswith("all-reduce-scatter")]
    assert len(fused) == 1
    assert kinds[fused[0]] == "reduce-scatter"


def test_a_computation_called_twice_runs_twice() -> None:
    read = module(
        "%twice (q: f32[64]) -> f32[64] {\n  %q = f32[64] parameter(0)\n"
        "  ROOT %r = f32[64] all-reduce(%q), replica_groups={}, to_apply=%sum\n}\n\n"
        "ENTRY %main (p: f32[64]) -> f32[64] {\n  %p = f32[64] parameter(0)\n"
        "  %a = f32[64] call(%p), to_apply=%twice\n  ROOT %b = f32[64] call(%a), to_apply=%twice\n}\n"
    )
    (one,) = find_launches(read)
    assert one.count == 2


def test_launches_stand_in_the_order_of_the_schedule() -> None:
    names = [one.handle.name for one in find_launches(sample("h100_fsdp"))]
    first_of_loops = names.index("all-gather-start"), names.index("reduce-scatter-start")
    assert first_of_loops[0] < first_of_loops[1]
