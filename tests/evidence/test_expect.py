"""The assertion for the tests of a model."""

import pytest

from axisrules.analysis import AxisPart, Collective, Ledger, SourceLine
from axisrules.evidence import LayoutEvidence, assert_traffic
from axisrules.mesh import parse_mesh, parse_target


def collective(kind="all-gather", network="ici", payload=1000, number=0):
    return Collective(
        kind=kind, instruction=f"one.{number}", computation="main", operand=0, operand_count=1, count=2,
        payload_bytes=payload, wire_bytes=payload, dtype="f32", shape=(250,), group_size=4,
        axes=(AxisPart("fsdp", 4, 1, 4),), network=network, direction="forward",
        module_path="Model/mlp", op_name="",
        source=SourceLine("model.py", 40, "Mlp.__call__"), logical_axes=("embed",), rules=("rules.toml:7",),
    )  # fmt: skip


def test_what_is_not_sent_passes():
    ledger = Ledger((collective(),))
    assert_traffic(ledger, kind="all-gather", network="dcn")
    assert_traffic(ledger, kind="all-to-all")
    assert_traffic(ledger, at_most_bytes=2000)


def test_too_much_fails_and_says_what_and_where():
    ledger = Ledger((collective(), collective("all-reduce", payload=50)))
    with pytest.raises(AssertionError) as failed:
        assert_traffic(ledger, mesh_axis="fsdp", at_most_bytes=100)
    lines = str(failed.value).splitlines()
    assert "2,100 bytes of fsdp" in lines[0]
    assert all(word in lines[1] for word in ("2,000", "all-gather", "embed", "rules.toml:7", "model.py:40"))
    assert "all-reduce" in lines[2]


def test_a_long_list_is_cut():
    with pytest.raises(AssertionError, match="and 12 more"):
        assert_traffic(Ledger(tuple(collective(number=number) for number in range(20))))


def test_evidence_without_a_ledger_fails_with_its_error():
    evidence = LayoutEvidence(
        "fsdp", parse_mesh("fsdp=8"), parse_target("tpu:v5e:2x4"), "fast", error="no compiler"
    )
    with pytest.raises(AssertionError, match="no compiler"):
        assert_traffic(evidence, kind="all-gather")
