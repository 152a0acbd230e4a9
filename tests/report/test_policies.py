"""The table of policies: shares of the first, and what did not compile."""

from axisrules.diagnostics import catalog
from axisrules.evidence import Comparison, LayoutEvidence
from axisrules.mesh import Target, parse_mesh
from axisrules.report import PolicyTable


def row(policy, temporary_bytes=None, flops=None, error=None):
    mesh, target = parse_mesh("data=8"), Target("local")
    return LayoutEvidence(
        policy, mesh, target, "fast", temporary_bytes=temporary_bytes, flops=flops, error=error
    )


ROWS = (row("none", 4000, 100.0), row("full", 1000, 130.0), row("odd", error="error[AXR770]: no"))
TABLE = PolicyTable(Comparison(ROWS, {"jax": "1"}, "x86"), (catalog.CHEAP_TO_KEEP.at(why="so it is"),))


def test_shares_are_of_the_first_policy():
    shown = str(TABLE)
    assert "0.25" in shown
    assert "1.30" in shown
    assert "odd did not compile" in shown
    assert "AXR780" in shown
    assert "fits" not in shown, "a column of which nothing is known is left out"


def test_json_has_every_number():
    found = TABLE.to_json()
    assert [one["temporary_ratio"] for one in found["policies"]] == [1.0, 0.25, None]
    assert [one["flops_ratio"] for one in found["policies"]] == [1.0, 1.3, None]
    assert found["policies"][2]["error"].startswith("error[AXR770]")
    assert found["diagnostics"][0]["code"] == "AXR780"
