"""Scheduled programs turned into steps: what is synchronous, what overlaps, what repeats."""

import pytest

from axisrules.analysis.replay import Branches, Done, Loop, Start, Work, replay
from axisrules.analysis.schedule import Schedule
from tests.analysis.programs import RATES, program

LOOP = """%body (t: (s32[], bf16[1000])) -> (s32[], bf16[1000]) {
  %t = (s32[], bf16[1000]) parameter(0)
  %n = s32[] get-tuple-element(%t), index=0
  %x = bf16[1000] get-tuple-element(%t), index=1
  %one = s32[] constant(1)
  %next = s32[] add(%n, %one)
  %y = bf16[1000] negate(%x)
  ROOT %r = (s32[], bf16[1000]) tuple(%next, %y)
}

%condition (t: (s32[], bf16[1000])) -> pred[] {
  %t = (s32[], bf16[1000]) parameter(0)
  %n = s32[] get-tuple-element(%t), index=0
  %end = s32[] constant(7)
  ROOT %go = pred[] compare(%n, %end), direction=LT
}
"""

CHAIN = """%begin (a: bf16[25]) -> (bf16[25], bf16[100], u32[]) {
  %a = bf16[25] parameter(0)
  %g0 = bf16[100] all-gather(%a), dimensions={0}, frontend_attributes={chain_id="3"}
  ROOT %c = (bf16[25], bf16[100], u32[]) custom-call(%g0), custom_call_target="AsyncCollectiveStart"
}

%between (a: bf16[25], b: bf16[1000]) -> (bf16[1000], bf16[100]) {
  %a = bf16[25] parameter(0)
  %b = bf16[1000] parameter(1)
  %n = bf16[1000] negate(%b)
  %g1 = bf16[100] all-gather(%a), dimensions={0}, frontend_attributes={chain_id="3"}
  ROOT %r = (bf16[1000], bf16[100]) tuple(%n, %g1)
}

%end (a: bf16[25]) -> bf16[100] {
  %a = bf16[25] parameter(0)
  %g2 = bf16[100] all-gather(%a), dimensions={0}, frontend_attributes={chain_id="3"}
  ROOT %c = bf16[100] custom-call(%g2), custom_call_target="AsyncCollectiveDone"
}
"""


def gather(name: str, computation: str = "main") -> dict[tuple[str, str], Start]:
    return {(computation, name): Start(name, "ICI tensor", 1.0, ("ici:0+",))}


def steps_of(entry: str, transfers=None, computations: str = ""):
    return Schedule(program(entry, computations), RATES, transfers or {}).steps


def test_a_synchronous_collective_is_started_and_awaited() -> None:
    entry = "  %p = bf16[25] parameter(0)\n  ROOT %g = bf16[100] all-gather(%p), dimensions={0}"
    assert steps_of(entry, gather("g")) == (Start("g", "ICI tensor", 1.0, ("ici:0+",)), Done("g"))


def test_what_stands_between_start_and_done_overlaps() -> None:
    entry = """  %p = bf16[25] parameter(0)
  %w = bf16[1000] parameter(1)
  %s = (bf16[25], bf16[100]) all-gather-start(%p), dimensions={0}
  %n = bf16[1000] negate(%w)
  %d = bf16[100] all-gather-done(%s)
  ROOT %r = (bf16[100], bf16[1000]) tuple(%d, %n)"""
    start, work, launch, done = steps_of(entry, gather("s"))
    assert (start.name, done) == ("s", Done("s"))
    assert isinstance(work, Work)
    assert launch.term == "launch"
    assert replay([start, work, launch, done]).seconds == 1.0


def test_a_loop_counts_its_trips() -> None:
    entry = """  %p = bf16[1000] parameter(0)
  %zero = s32[] constant(0)
  %t = (s32[], bf16[1000]) tuple(%zero, %p)
  ROOT %w = (s32[], bf16[1000]) while(%t), condition=%condition, body=%body"""
    (loop,) = steps_of(entry, {}, LOOP)
    assert isinstance(loop, Loop)
    assert loop.trips == 7
    assert [step.term for step in loop.body] == ["vector", "launch"]
    assert replay([loop]).seconds == pytest.approx(7 * replay(loop.body).seconds)


def test_branches_are_kept_apart() -> None:
    entry = """  %p = bf16[1000] parameter(0)
  %i = pred[] parameter(1)
  ROOT %c = bf16[1000] conditional(%i, %p, %p), true_computation=%some, false_computation=%none"""
    inner = """%some (a: bf16[1000]) -> bf16[1000] {
  %a = bf16[1000] parameter(0)
  ROOT %n = bf16[1000] negate(%a)
}

%none (a: bf16[1000]) -> bf16[1000] {
  ROOT %a = bf16[1000] parameter(0)
}
"""
    (branches,) = steps_of(entry, {}, inner)
    assert isinstance(branches, Branches)
    assert sorted(len(body) for body in branches.bodies) == [0, 2]


def test_a_collective_handed_from_fusion_to_fusion_runs_beside_them() -> None:
    entry = """  %p = bf16[25] parameter(0)
  %w = bf16[1000] parameter(1)
  %s = (bf16[25], bf16[100], u32[]) fusion(%p), kind=kCustom, calls=%begin
  %f = (bf16[1000], bf16[100]) fusion(%p, %w), kind=kOutput, calls=%between
  ROOT %d = bf16[100] fusion(%p), kind=kCustom, calls=%end"""
    start, work, _, done = steps_of(entry, gather("g0", "begin"), CHAIN)
    assert (start.name, done) == ("chain 3", Done("chain 3"))
    assert work == Work("HBM", 4e-6, 4e-6)  # what is gathered passes through unread


def test_the_answer_from_other_slices_is_awaited_by_its_name() -> None:
    entry = """  %p = bf16[100] parameter(0)
  %k = token[] after-all()
  %s = (bf16[100], u32[], token[]) send(%p, %k), channel_id=2, is_host_transfer=true, \
frontend_attributes={_xla_host_transfer_rendezvous="all-reduce.1_0"}
  %sd = token[] send-done(%s), channel_id=2, is_host_transfer=true
  %v = (bf16[100], u32[], token[]) recv(%k), channel_id=1, is_host_transfer=true, \
frontend_attributes={_xla_host_transfer_rendezvous="all-reduce.1_0"}
  ROOT %vd = (bf16[100], token[]) recv-done(%v), channel_id=1, is_host_transfer=true"""
    sent = {("main", "s"): Start("s", "DCN data", 1.0, ("dcn",))}
    steps = steps_of(entry, sent)
    assert steps[0] == Start("all-reduce.1_0", "DCN data", 1.0, ("dcn",))
    assert steps[-1] == Done("all-reduce.1_0")
    assert replay(steps).exposed == {"DCN data": 1.0}


def test_copies_between_memories_take_memory_time_beside_work() -> None:
    entry = """  %p = f32[1000] parameter(0)
  %c = (f32[1000]{0:S(1)}, f32[1000]{0}, u32[]{:S(2)}) copy-start(%p)
  ROOT %d = f32[1000]{0:S(1)} copy-done(%c)"""
    assert steps_of(entry) == (Start("c", "HBM", 4e-6, ("hbm",)), Done("c"))
