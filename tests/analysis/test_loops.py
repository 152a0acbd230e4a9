"""Trip counts and call counts, against loops that Python runs and programs that JAX compiles."""

import jax
import jax.numpy as jnp
from hypothesis import given
from hypothesis import strategies as st

from axisrules.analysis import Module, read_module, trip_count, visits
from tests.analysis.samples import module, sample


def counting_loop(start: int, step: int, limit: int, direction: str = "LT") -> Module:
    """A loop whose counter lies behind a copy and a fusion, and whose limit is carried along."""
    return module(
        "%bump (x: s32[]) -> s32[] {\n"
        f"  %x = s32[] parameter(0)\n  %one = s32[] constant({step})\n"
        "  ROOT %sum = s32[] add(%x, %one)\n}\n\n"
        "%body (s: (f32[8], s32[], s32[])) -> (f32[8], s32[], s32[]) {\n"
        "  %s = (f32[8], s32[], s32[]) parameter(0)\n"
        "  %x = f32[8] get-tuple-element(%s), index=0\n  %i = s32[] get-tuple-element(%s), index=1\n"
        "  %n = s32[] get-tuple-element(%s), index=2\n  %c = s32[] copy(%i)\n"
        "  %j = s32[] fusion(%c), kind=kLoop, calls=%bump\n"
        "  ROOT %t = (f32[8], s32[], s32[]) tuple(%x, %j, %n)\n}\n\n"
        "%test (s: (f32[8], s32[], s32[])) -> pred[] {\n"
        "  %s = (f32[8], s32[], s32[]) parameter(0)\n"
        "  %i = s32[] get-tuple-element(%s), index=1\n  %n = s32[] get-tuple-element(%s), index=2\n"
        f"  ROOT %go = pred[] compare(%i, %n), direction={direction}\n}}\n\n"
        "ENTRY %main (p: f32[8]) -> f32[8] {\n"
        f"  %p = f32[8] parameter(0)\n  %i = s32[] constant({start})\n  %n = s32[] constant({limit})\n"
        "  %t = (f32[8], s32[], s32[]) tuple(%p, %i, %n)\n"
        "  %w = (f32[8], s32[], s32[]) while(%t), condition=%test, body=%body\n"
        "  ROOT %r = f32[8] get-tuple-element(%w), index=0\n}\n"
    )


@given(st.integers(-50, 50), st.integers(1, 7), st.integers(-50, 500), st.booleans())
def test_a_counter_is_followed_to_its_limit(start: int, step: int, limit: int, counts_down: bool) -> None:
    sign = -1 if counts_down else 1
    read = counting_loop(sign * start, sign * step, sign * limit, "GT" if counts_down else "LT")
    body = next(visit for visit in visits(read) if visit.role == "body")
    assert body.count == len(range(start, limit, step))
    assert body.loops[0].is_known


def test_a_long_loop_is_not_run_step_by_step() -> None:
    read = counting_loop(0, 3, 3_000_000_001)
    root = next(visits(read))
    assert trip_count(read, read.entry.by_name["w"], root) == 1_000_000_001


def test_a_loop_that_stands_still_is_unknown_and_one_that_never_starts_runs_no_time() -> None:
    for read, trips in ((counting_loop(0, 0, 5), None), (counting_loop(0, 1, 5, "GE"), 0)):
        assert trip_count(read, read.entry.by_name["w"], next(visits(read))) == trips


def test_a_loop_on_data_counts_once_and_says_so() -> None:
    read = module(
        "%body (s: (f32[])) -> (f32[]) {\n  ROOT %s = (f32[]) parameter(0)\n}\n\n"
        "%test (s: (f32[])) -> pred[] {\n  %s = (f32[]) parameter(0)\n"
        "  %x = f32[] get-tuple-element(%s), index=0\n  %c = f32[] constant(0.5)\n"
        "  ROOT %go = pred[] compare(%x, %c), direction=LT\n}\n\n"
        "ENTRY %main (p: f32[]) -> (f32[]) {\n  %p = f32[] parameter(0)\n  %t = (f32[]) tuple(%p)\n"
        "  ROOT %w = (f32[]) while(%t), condition=%test, body=%body\n}\n"
    )
    body = next(visit for visit in visits(read) if visit.role == "body")
    assert (body.count, body.loops[0].is_known) == (1, False)


def test_the_compiler_s_own_count_is_taken() -> None:
    read = module(
        "%body (s: (f32[])) -> (f32[]) {\n  ROOT %s = (f32[]) parameter(0)\n}\n\n"
        "%test (s: (f32[])) -> pred[] {\n"
        "  %s = (f32[]) parameter(0)\n  ROOT %c = pred[] constant(true)\n}\n\n"
        "ENTRY %main (p: f32[]) -> (f32[]) {\n  %p = f32[] parameter(0)\n  %t = (f32[]) tuple(%p)\n"
        "  ROOT %w = (f32[]) while(%t), condition=%test, body=%body, "
        'backend_config={"known_trip_count":{"n":"12"}}\n}\n'
    )
    counts = {visit.role: visit.count for visit in visits(read)}
    assert counts == {"": 1, "condition": 13, "body": 12}


def test_counts_of_nested_loops_multiply() -> None:
    def nested(x: jax.Array) -> jax.Array:
        def inner(y: jax.Array, _: None) -> tuple[jax.Array, None]:
            return jnp.sin(y), None

        def outer(y: jax.Array, _: None) -> tuple[jax.Array, None]:
            return jax.lax.scan(inner, y, None, length=5)[0] * 2, None

        return jax.lax.scan(outer, x, None, length=7)[0]

    read = read_module(jax.jit(nested).lower(jnp.ones((1024,))).compile().as_text())
    deepest = max(visits(read), key=lambda visit: len(visit.loops))
    assert [loop.trip_count for loop in deepest.loops] == [7, 5]
    sines = [v.count for v in visits(read) for one in v.computation.instructions if one.opcode == "sine"]
    assert sum(sines) == 35


def test_scanned_layers_of_real_targets_run_twice() -> None:
    for name in ("v5e_tp", "v5e_fsdp", "h100_fsdp"):
        loops = [visit.loops[0] for visit in visits(sample(name)) if visit.role == "body"]
        assert [loop.trip_count for loop in loops] == [2, 2]


def test_branches_are_visited_and_marked() -> None:
    def chosen(flag: jax.Array, x: jax.Array) -> jax.Array:
        return jax.lax.cond(flag, lambda y: jnp.sort(jnp.sin(y)), lambda y: jnp.sort(jnp.cos(y)), x)

    compiled = jax.jit(chosen).lower(jnp.array(True), jnp.ones((64, 64))).compile()
    read = read_module(compiled.as_text())
    branches = [visit for visit in visits(read) if visit.role == "branch"]
    assert len(branches) == 2
    assert all(visit.is_conditional and visit.count == 1 for visit in branches)


def test_visits_sort_by_the_schedule() -> None:
    read = counting_loop(0, 1, 3)
    names = [visit.computation.name for visit in sorted(visits(read), key=lambda visit: visit.order)]
    assert names == ["main", "test", "body", "bump"]
