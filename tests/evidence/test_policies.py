"""Advice on remat policies where rows of a comparison say what they cost."""

from dataclasses import replace

import pytest

from axisrules.evidence.policies import with_policy_advice
from axisrules.mesh import parse_target
from axisrules.rules import load_rules, parse_training
from tests.report.evidence_cases import GIB, layout


def row_of(temporary, flops, remat=None, rules="fsdp", **facts):
    row = layout(rules, "fsdp=64", **facts)
    assert row.plan is not None
    table = load_rules(rules) | parse_training({"remat": remat} if remat else {})
    plan = replace(row.plan, rules=replace(table, name=f"{rules} {remat}"))
    return replace(
        row, plan=plan, temporary_bytes=temporary * GIB, needed_bytes=(temporary + 12) * GIB, flops=flops
    )


def codes(*rows):
    return [[found.code for found in row.findings] for row in with_policy_advice(rows)]


@pytest.mark.parametrize(
    ("kept", "expected"),
    [(60, [[], ["AXR780"]]), (200, [[], []])],
)
def test_recomputing_what_fits_anyway(kept, expected):
    assert codes(row_of(kept, 3e12), row_of(5, 4e12, "full")) == expected


def test_keeping_what_is_dear():
    assert codes(row_of(200, 3e12), row_of(150, 3.01e12, "attention")) == [["AXR781"], []]


def test_rows_of_other_rules_or_targets_say_nothing():
    other = row_of(5, 4e12, "full", rules="fsdp_tp")
    assert codes(row_of(60, 3e12), other) == [[], []]
    elsewhere = replace(row_of(5, 4e12, "full"), target=parse_target("tpu:v5p:4x4x8"))
    assert codes(row_of(60, 3e12), elsewhere) == [[], []]


def test_without_a_row_that_recomputes_nothing_there_is_nothing_to_hold_against():
    assert codes(row_of(60, 3e12, "attention"), row_of(5, 4e12, "full")) == [[], []]
    assert codes(row_of(60, 3e12)) == [[]]
