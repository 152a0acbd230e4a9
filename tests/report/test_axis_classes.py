import json

from axisrules import wrap
from axisrules.report import AxisClassTable
from tests.cli import unnamed


def table(which, **seeds):
    model, loss, batch = getattr(unnamed, which)()
    return AxisClassTable(wrap(model, loss, batch, seeds=seeds or None))


def test_unknown_withheld_and_opaque_are_said():
    text = str(table("fused"))
    assert "unknown: " in text
    assert "withheld: " in text
    assert "AXR323" in text


def test_what_is_settled_has_no_complaint():
    text = str(table("vision", params={"inner/kernel": "features mlp", "outer/bias": "classes"}))
    assert "5 parameters: 7 of 7 dims named" in text
    assert "unknown" not in text
    assert "AXR" not in text


def test_json_is_plain():
    shown = table("fused").to_json()
    assert json.loads(json.dumps(shown)) == shown
    assert set(shown) == {
        "classes",
        "params",
        "activations",
        "unknown",
        "withheld",
        "opaque",
        "own_constraints",
        "findings",
    }
