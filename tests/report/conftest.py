import pytest

from axisrules.mesh import parse_mesh
from axisrules.resolve import Leaf, Plan, survey
from axisrules.rules import load_rules

SHAPES = {
    "embedding": ((256, 64), ("vocab", "embed")),
    "layers_0/mlp/up": ((64, 128), ("embed", "mlp")),
    "layers_1/mlp/up": ((64, 128), ("embed", "mlp")),
    "layers_1/norm/scale": ((64,), ("embed",)),
}


def leaves() -> list[Leaf]:
    """Parameters, gradients, Adam's state and a batch, as a program would have them."""
    prefixes = [("params", ""), ("gradients", ""), ("optimizer", "0/mu/"), ("optimizer", "0/nu/")]
    made = [
        Leaf(prefix + path, kind, shape, "float32", 4, axes)
        for kind, prefix in prefixes
        for path, (shape, axes) in SHAPES.items()
    ]
    count = Leaf("0/count", "optimizer", (), "int32", 4, ())
    return [*made, count, Leaf("inputs", "batch", (16, 32), "int32", 4, ("batch", "seq"))]


def plan_of(table: str, mesh: str, *more: Leaf) -> Plan:
    """A survey, so that a plan with errors can be shown too."""
    return survey([*leaves(), *more], load_rules(table), parse_mesh(mesh))


@pytest.fixture
def plan() -> Plan:
    return plan_of("fsdp_tp_sp", "fsdp=2,tensor=4")
