"""Bounds against sums over the whole plan, and against what compilers say: never above."""

import pytest

from axisrules.evidence import Compiling
from axisrules.mesh import Chip, parse_mesh, parse_target
from axisrules.resolve import make_plan
from axisrules.search import make_space, parse_constraints, score
from axisrules.targets import compiler_problem, installed_versions


def test_state_bytes_are_the_plans(space):
    for one in space.candidates[::23]:
        table = space.table(one)
        plan = make_plan(space.program.leaves, table, space.target.fit(parse_mesh(table.mesh)))
        held = sum(plan.bytes_per_device(kind) for kind in ("params", "optimizer", "batch"))
        assert space.bounds(one).state_bytes == held


def test_a_gradient_travels_once_over_the_rows_axes(space):
    width = 2  # bfloat16: the model computes in it
    elements = sum(leaf.bytes // leaf.itemsize for leaf in space.program.leaves if leaf.kind == "params")
    by_mesh = {one.mesh: space.bounds(one) for one in space.candidates if one.sharded == "params"}
    for mesh in ("data=8", "fsdp=8"):
        assert by_mesh[mesh].sent_bytes == pytest.approx(elements * width * 7 / 8, rel=1e-3)


def seconds_if(space, monkeypatch, endless):
    """The seconds of every layout's bound, were the chip endlessly fast at one thing."""
    with monkeypatch.context() as patch:
        patch.setattr(Chip, endless, 1e30)
        other = make_space(space.program, space.target, space.constraints)
    return [other.bounds(one).seconds for one in space.candidates]


def test_memory_and_network_may_work_at_once(space, monkeypatch):
    both = [space.bounds(one).seconds for one in space.candidates]
    network = seconds_if(space, monkeypatch, "memory_bytes_per_second")
    memory = seconds_if(space, monkeypatch, "link_bytes_per_second")
    assert both == pytest.approx(list(map(max, network, memory)))
    assert {one > other for one, other in zip(network, memory, strict=True)} == {True, False}


@pytest.mark.slow
@pytest.mark.parametrize("target", ["tpu:v5e:2x2", "gpu:h100:1x4"])
def test_no_bound_is_above_what_compiling_shows(program, target):
    found = parse_target(target)
    if compiler_problem(found.chip.platform, installed_versions()):
        pytest.skip("no compiler for it")
    space = make_space(program, found, parse_constraints(["accumulate=1"], ["remat=attention"]))
    some = space.candidates[:: max(len(space) // 3, 1)]
    for one in score(space, some, Compiling(uses_cache=False)):
        assert one.error is None
        bounds = space.bounds(one.candidate)
        assert bounds.state_bytes <= one.needed_bytes
        assert bounds.seconds <= one.seconds
