"""A tiny decoder trained under three layouts; shapes and the live arrays are the referees."""

import jax
import numpy as np
import optax
import pytest

from axisrules import constrain, read_program
from axisrules.bench import PHASES, BenchReport, BenchRow, Workload, run_bench
from axisrules.models import DecoderConfig, linen_decoder, next_token_loss, text_batches

pytestmark = pytest.mark.slow

CONFIG = DecoderConfig(embed=16, heads=4, kv_heads=4, head_dim=4, mlp=32, layers=2)
BATCH, SEQ, STEPS = 8, 16, 3

Events = list[tuple[str, str, int]]


@pytest.fixture(scope="module")
def workload() -> Workload:
    batches = tuple(text_batches(BATCH, SEQ, STEPS))
    program = read_program(
        linen_decoder(CONFIG, constrain), next_token_loss, batches[0], optimizer=optax.adam(1e-3)
    )
    return Workload("tiny", program, batches, BATCH, SEQ)


@pytest.fixture(scope="module")
def ran(workload: Workload) -> tuple[BenchReport, Events]:
    events: Events = []
    report = run_bench(workload, ["fsdp", "tp", "zero1"], on_progress=lambda *event: events.append(event))
    return report, events


@pytest.fixture(scope="module")
def rows(ran: tuple[BenchReport, Events]) -> dict[str, BenchRow]:
    return {row.rules: row for row in ran[0].rows}


def whole_bytes(shapes: object) -> int:
    return sum(shape.size * shape.dtype.itemsize for shape in jax.tree.leaves(shapes))


def test_every_layout_trains_alike(ran: tuple[BenchReport, Events], rows: dict[str, BenchRow]) -> None:
    assert ran[0].is_equal
    assert [len(row.losses) for row in rows.values()] == [STEPS] * 3
    # An untrained byte model is close to a uniform guess.
    assert all(row.losses[0] == pytest.approx(np.log(256), rel=0.2) for row in rows.values())


def test_bytes_are_those_of_one_device(workload: Workload, rows: dict[str, BenchRow]) -> None:
    params, opt_state = whole_bytes(workload.program.params), whole_bytes(workload.program.opt_state)
    step_count_bytes = 4
    assert rows["zero1"].param_bytes == params
    assert rows["zero1"].optimizer_bytes == (opt_state - step_count_bytes) // 8 + step_count_bytes
    assert rows["fsdp"].param_bytes == params // 8


def test_speeds_are_told_beside_the_first_layout(rows: dict[str, BenchRow]) -> None:
    first = rows["fsdp"]
    assert first.speed_ratio == 1
    for row in rows.values():
        assert row.step_seconds is not None
        assert row.tokens_per_second == pytest.approx(BATCH * SEQ / row.step_seconds)
        assert row.speed_ratio == pytest.approx(first.step_seconds / row.step_seconds)
        assert row.compile_seconds is not None
        assert row.compile_seconds > 0


def test_progress_names_every_phase_and_step(ran: tuple[BenchReport, Events]) -> None:
    wanted = [(phase, 0) for phase in PHASES] + [("train", step) for step in range(1, STEPS + 1)]
    for layout in ("fsdp", "tp", "zero1"):
        assert [event[1:] for event in ran[1] if event[0] == layout] == wanted


def test_a_layout_that_cannot_be_is_a_row_of_its_own(workload: Workload) -> None:
    report = run_bench(workload, ["tp", "no_such_table"], mesh="fsdp=8")
    assert [row.losses for row in report.rows] == [(), ()]
    assert "AXR206" in (report.rows[0].error or "")
    assert "AXR111" in (report.rows[1].error or "")
    assert not report.is_equal
