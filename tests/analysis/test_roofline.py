"""Work on one device, by hand-computed rooflines."""

from dataclasses import replace

import pytest

from axisrules.analysis.replay import Work
from axisrules.analysis.roofline import instruction_effort, instruction_work
from tests.analysis.programs import RATES, program

DOT = "lhs_contracting_dims={1}, rhs_contracting_dims={0}"
FUSED = """%fused (a: bf16[100]) -> bf16[100] {
  %a = bf16[100] parameter(0)
  %wide = f32[100] convert(%a)
  %e = f32[100] exponential(%wide)
  ROOT %b = bf16[100] convert(%e)
}
"""


def work_of(line: str, rates=RATES, before: str = "", computations: str = "") -> tuple[Work, ...]:
    module = program(f"  %p = bf16[1000,1000] parameter(0)\n{before}\n  ROOT %it = {line}", computations)
    return instruction_work(module, module.entry, module.entry.by_name["it"], rates)


def test_a_dot_is_bound_by_memory_or_by_its_flops() -> None:
    line = f"bf16[1000,1000] dot(%p, %p), {DOT}"
    # 2e9 FLOPs at 1e12 against 6e6 bytes at 1e9.
    assert work_of(line)[0] == Work("HBM", 6e-3, 6e-3)
    fast = replace(RATES, memory_bytes_per_second=1e13, vector_ops_per_second=1e13)
    assert work_of(line, fast)[0] == Work("compute", 2e-3, 6e-7)


@pytest.mark.parametrize(
    ("dtype", "precision", "rate"),
    [
        ("bf16", "", RATES.bf16_flops_per_second),
        ("s8", "", RATES.int8_flops_per_second),
        ("f8e4m3fn", "", RATES.int8_flops_per_second),
        ("f32", "", RATES.f32_flops_per_second),
        ("f32", ", operand_precision={highest,highest}", RATES.precise_flops_per_second),
    ],
)
def test_the_rate_of_a_dot_follows_its_operands(dtype: str, precision: str, rate: float) -> None:
    fast = replace(RATES, memory_bytes_per_second=1e15, vector_ops_per_second=1e15)
    before = f"  %q = {dtype}[1000,1000] parameter(1)"
    work = work_of(f"f32[1000,1000] dot(%q, %q), {DOT}{precision}", fast, before)[0]
    assert work.seconds == pytest.approx(2e9 / rate)


def test_vector_work_counts_operations_and_words_moved() -> None:
    before = "  %a = bf16[100] parameter(1)"
    module = program(f"{before}\n  ROOT %it = bf16[100] fusion(%a), kind=kLoop, calls=%fused", FUSED)
    effort = instruction_effort(module, module.entry, module.entry.by_name["it"])
    assert effort.vector_ops == 3 * 100 + 400 / 4
    assert effort.memory_bytes == 400


def test_the_compilers_cycles_are_the_time() -> None:
    line = 'bf16[1000,1000] negate(%p), backend_config={"estimated_cycles":"5000"}'
    assert work_of(line)[0] == Work("vector", 5e-6, 5e-6)
    without_clock = work_of(line, replace(RATES, clock_hertz=0.0))
    assert without_clock[0].seconds == pytest.approx(2e6 / 1e8)  # alone, at the unfused rate


def test_launching_is_a_term_of_its_own_and_scalars_are_free() -> None:
    slow_start = replace(RATES, launch_seconds=1e-6)
    assert work_of("bf16[1000,1000] negate(%p)", slow_start)[1] == Work("launch", 1e-6)
    assert work_of("s32[] negate(%one)", slow_start, "  %one = s32[] constant(1)") == ()
    assert work_of("bf16[1000000] bitcast(%p)", slow_start) == ()
