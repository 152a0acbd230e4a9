"""A table's pipeline held against program and mesh: each misfit names its numbers."""

import jax
import pytest

import axisrules
from axisrules.diagnostics import AxisRulesError
from axisrules.pipeline import make_objective
from tests.pipeline.conftest import TABLE, LinenModel

PIPELINE = {"schedule": "1f1b", "microbatches": 4}


@pytest.mark.parametrize(
    ("model", "changes", "code", "words"),
    [
        (LinenModel(), {"schedule": "1fib"}, "AXR750", "1fib"),
        (
            LinenModel(),
            {"schedule": "interleaved", "repeats": 2, "microbatches": 3},
            "AXR751",
            "=3 .* stages=2",
        ),
        (LinenModel(), {"repeats": 2}, "AXR751", "repeats=2"),
        (LinenModel(), {"microbatches": 3}, "AXR753", "8 rows, 4 on each of 2 data shards; 3 microbatches"),
        (LinenModel(layers=5), {"split": [2, 2]}, "AXR752", "adds up to 4, and there are 5 layers"),
        (LinenModel(layers=5), {"split": [2, 2, 1]}, "AXR752", "3 entries for 2 stages"),
        (LinenModel(layers=6), {"schedule": "interleaved", "repeats": 4}, "AXR752", "6 layers for 8 stages"),
    ],
)
def test_misfits_are_named(read, partition, model, changes, code, words):
    program = read(model)
    partitioner = partition(program, **PIPELINE | changes)
    with pytest.raises(AxisRulesError, match=words) as caught:
        partitioner.train_step()
    assert [d.code for d in caught.value.diagnostics] == [code]


def test_a_schedule_needs_stages(read):
    table = axisrules.parse_rules(TABLE | PIPELINE | {"rules": TABLE["rules"] | {"layers": []}})
    partitioner = axisrules.make_partitioner(read(), table, "data=2", devices=jax.devices()[:2])
    with pytest.raises(AxisRulesError) as caught:
        partitioner.train_step()
    assert [d.code for d in caught.value.diagnostics] == ["AXR754"]


def test_without_a_schedule_there_is_no_pipeline(read, partition):
    partitioner = partition(read())
    assert make_objective(partitioner.program, partitioner.plan, partitioner.mesh) is None


def test_the_schedule_is_the_tables(read, partition):
    partitioner = partition(read(), "stage=4,data=2", schedule="gpipe", microbatches=2)
    made = make_objective(partitioner.program, partitioner.plan, partitioner.mesh)
    assert (made.schedule.name, made.schedule.stages, made.schedule.microbatches) == ("gpipe", 4, 2)
    assert made.manual.data_axes == ("data",)
    assert made.layout.counts == (1, 1, 1, 1)
