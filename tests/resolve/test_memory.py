"""The state against a chip's memory, judged by sums made by hand."""

import pytest

from axisrules.mesh import Chip, parse_mesh
from axisrules.resolve import Leaf, lint_memory, survey
from axisrules.rules import load_rules

LEAVES = [
    Leaf("w", "params", (64, 32), "float32", 4, ("embed", "mlp")),
    Leaf("w", "gradients", (64, 32), "float32", 4, ("embed", "mlp")),
    Leaf("mu/w", "optimizer", (64, 32), "float32", 4, ("embed", "mlp")),
    Leaf("x", "batch", (8, 32), "int32", 4, ("batch", "seq")),
]


def finding(rules, mesh, memory_bytes):
    plan = survey(LEAVES, load_rules(rules), parse_mesh(mesh))
    return lint_memory(plan, Chip("toy", memory_bytes, "https://example.org/toy"))


@pytest.mark.parametrize(
    ("rules", "mesh", "held"),
    [
        ("dp", "data=8", 3 * 64 * 32 * 4),
        ("fsdp", "fsdp=8", 3 * 64 * 32 * 4 // 8),
        ("zero1", "data=8", 2 * 64 * 32 * 4 + 64 * 32 * 4 // 8),
    ],
)
def test_the_state_fits_up_to_its_very_size(rules, mesh, held):
    assert finding(rules, mesh, held).severity == "note"
    assert finding(rules, mesh, held - 1).severity == "error"
    assert f"{held:,} bytes" in finding(rules, mesh, held).why
