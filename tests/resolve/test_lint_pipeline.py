"""A table's pipeline, judged by the table and the mesh alone: each code where it belongs, and only there."""

import pytest

from axisrules.mesh import parse_mesh
from axisrules.resolve import lint_pipeline, stage_axis_of
from axisrules.rules import load_rules, parse_training


def codes(rules, mesh, **training):
    table = load_rules(rules) | parse_training(training)
    return [found.code for found in lint_pipeline(table, parse_mesh(mesh))]


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        ({}, []),
        ({"microbatches": 16}, []),
        ({"microbatches": 4}, ["AXR760"]),
        ({"schedule": "1fib"}, ["AXR750"]),
        ({"schedule": "interleaved", "repeats": 2, "microbatches": 6}, ["AXR751"]),
        ({"schedule": "interleaved", "repeats": 2, "microbatches": 8}, []),
        ({"repeats": 2}, ["AXR751"]),
    ],
)
def test_a_schedule_and_its_numbers(training, expected):
    assert codes("pipeline", "data=2,stage=4", **training) == expected


def test_a_bubble_needs_more_than_one_stage_and_a_known_number_of_them():
    assert codes("pipeline", "data=8,stage=1", microbatches=2) == []
    assert codes("pipeline", "data=2,stage=-1", microbatches=2) == []


def test_a_schedule_needs_layers_on_a_mesh_axis():
    assert codes("fsdp", "fsdp=8", schedule="1f1b") == ["AXR754"]
    assert stage_axis_of(load_rules("fsdp")) is None
    assert stage_axis_of(load_rules("3d")) == "stage"


@pytest.mark.parametrize(
    ("rules", "mesh", "expected"),
    [
        ("3d", "data=2,tensor=4,stage=2,slices:tensor=2", ["AXR762"]),
        ("3d", "data=2,tensor=4,stage=2,slices:stage=2", []),
        ("3d", "data=2,tensor=4,stage=2,slices:data=2", []),
        ("3d", "data=2,tensor=4,stage=2", []),
        ("fsdp_tp", "fsdp=2,tensor=4,slices:tensor=2", ["AXR762"]),
        ("fsdp_tp", "fsdp=2,tensor=4,slices:fsdp=2", []),
    ],
)
def test_who_crosses_slices(rules, mesh, expected):
    assert codes(rules, mesh) == expected
