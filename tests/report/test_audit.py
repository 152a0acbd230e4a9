import json
from dataclasses import replace

from axisrules.evidence import LayoutCheck
from axisrules.report import AuditTable
from tests.report.evidence_cases import FINDING, layout

EVIDENCE = layout("fsdp", "fsdp=64")
CHECKS = tuple(
    LayoutCheck(place, leaf_plan, "{devices=[64,1]<=[64]}", is_as_planned)
    for place, leaf_plan, is_as_planned in zip(
        ("argument", "argument", "result", "activation"),
        EVIDENCE.plan.leaves,
        (True, False, True, None),
        strict=False,
    )
)
AUDITED = replace(EVIDENCE, checks=CHECKS)


def test_what_is_as_planned_is_counted_and_the_rest_is_shown():
    shown = str(AuditTable(AUDITED))
    assert "1 of 2 arguments as planned" in shown
    assert "1 of 1 result as planned" in shown
    assert "0 of 0 activations as planned; 1 left to XLA" in shown
    assert "UNLIKE" in shown
    assert f"params:{CHECKS[1].leaf_plan.path}" in shown
    assert f"params:{CHECKS[0].leaf_plan.path}" not in shown


def test_the_whole_audit_lists_every_array():
    shown = str(AuditTable(AUDITED, is_whole=True))
    for check in CHECKS:
        assert check.leaf_plan.path in shown


def test_findings_follow_and_silence_is_said():
    assert "nothing found" in str(AuditTable(replace(EVIDENCE, checks=CHECKS[:1])))
    found = str(AuditTable(replace(AUDITED, findings=(FINDING,))))
    assert "error[AXR401]: uneven split" in found
    assert "nothing found" not in found


def test_an_audit_that_failed_says_why():
    shown = str(AuditTable(replace(EVIDENCE, error="the compiler was killed\nat the end")))
    assert "no audit: the compiler was killed\nat the end" in shown
    assert "nothing found" not in shown


def test_json_has_every_array():
    facts = json.loads(json.dumps(AuditTable(AUDITED).to_json()))
    assert [one["is_as_planned"] for one in facts["arrays"]] == [True, False, True, None]
    assert list(facts["arrays"][0]) == [
        "place",
        "kind",
        "path",
        "shape",
        "planned",
        "chosen",
        "is_as_planned",
    ]
