import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.analysis import Ledger, LoopStep, SourceLine
from axisrules.report import SORT_KEYS, LedgerTable
from axisrules.report.ledger_rows import ledger_rows, short_source
from tests.report.evidence_cases import FINDING, LEDGER, collective, layout

EVIDENCE = layout("fsdp", "fsdp=64")
TABLE = LedgerTable(EVIDENCE, "decoder")

COLLECTIVES = st.builds(
    collective,
    st.sampled_from(["all-gather", "all-reduce"]),
    st.sampled_from(["fsdp", "tensor"]),
    st.integers(0, 10**9),
    count=st.integers(1, 80),
    module_path=st.sampled_from(["layers_0/mlp", "layers_1/mlp", "layers_2/mlp", "head"]),
    instruction=st.uuids().map(str),
)


@given(st.lists(COLLECTIVES), st.sampled_from(SORT_KEYS))
def test_rows_lose_nothing(collectives, sort):
    ledger = Ledger(tuple(collectives))
    rows = ledger_rows(ledger, sort)
    assert sum(row.count for row in rows) == ledger.count
    assert sum(row.payload_bytes for row in rows) == ledger.total_bytes
    assert sum(row.wire_bytes for row in rows) == ledger.wire_bytes


@given(st.lists(COLLECTIVES))
def test_rows_are_in_the_order_asked_for(collectives):
    ledger = Ledger(tuple(collectives))
    for key, fact in (("wire", "wire_bytes"), ("payload", "payload_bytes"), ("count", "count")):
        values = [getattr(row, fact) for row in ledger_rows(ledger, key)]
        assert values == sorted(values, reverse=True)
    scheduled = [row.first.instruction for row in ledger_rows(ledger, "schedule")]
    assert scheduled == sorted(scheduled, key=[one.instruction for one in ledger].index)
    kinds = [row.kind for row in ledger_rows(ledger, "kind")]
    assert kinds == sorted(kinds)


def test_layers_share_a_row():
    layers = [
        collective("all-gather", "fsdp", 64, module_path=f"layers_{n}/mlp", instruction=f"%{n}")
        for n in range(9)
    ]
    (row,) = ledger_rows(layers)
    assert row.module_path == "layers_*/mlp"
    assert row.count == 9 * 32


def test_every_fact_is_shown():
    shown = str(TABLE)
    assert "129 collectives in a step: payload 3.75 GiB, wire 3.28 GiB" in shown
    for fact in ("all-gather", "1.31 GiB", "dcn", "update", "models/decoder.py:40", "embed", "fsdp.toml:12"):
        assert fact in shown
    assert "AXR401" in str(LedgerTable(replace(EVIDENCE, findings=(FINDING,))))


@pytest.mark.parametrize(
    "facts",
    [{"is_conditional": True}, {"loops": (LoopStep("%w", 1, is_known=False),)}],
    ids=["branch", "loop"],
)
def test_a_count_that_is_a_guess_says_so(facts):
    shown = str(
        LedgerTable(layout("fsdp", "fsdp=64", ledger=Ledger((collective("send", "fsdp", 8, **facts),))))
    )
    assert "32?" in shown
    assert "is a guess" in shown


def test_what_a_loop_of_permutes_stands_for_is_named():
    one = collective("collective-permute", "tensor", 64, replaces="all-gather")
    assert ledger_rows([one])[0].kind == "collective-permute for all-gather"


def test_groups_sum_up():
    grouped = LedgerTable(EVIDENCE, group_by=("kind", "network"))
    groups = grouped.to_json()["groups"]
    assert [(one["kind"], one["network"], one["count"]) for one in groups] == [
        ("all-gather", "ici", 64),
        ("reduce-scatter", "ici", 32),
        ("all-reduce", "dcn", 1),
        ("all-to-all", "ici", 32),
    ]
    assert sum(one["wire_bytes"] for one in groups) == LEDGER.wire_bytes
    assert "2.62 GiB" in str(grouped)
    assert "models/decoder.py" not in str(grouped)


def test_json_is_the_ledgers_own():
    facts = json.loads(json.dumps(TABLE.to_json(), allow_nan=False))
    assert list(facts) == [
        "model",
        "layout",
        "target",
        "mesh",
        "mode",
        "error",
        "ledger",
        "groups",
        "diagnostics",
    ]
    assert facts["ledger"] == json.loads(json.dumps(LEDGER.to_json()))


def test_a_step_without_collectives_or_without_a_ledger():
    none = LedgerTable(layout("dp", "data=1", ledger=Ledger(())))
    assert "0 collectives in a step" in str(none)
    assert "0 rows" in none.to_html()
    failed = LedgerTable(layout("dp", "data=64", ledger=None, error="no room\x1b[31m"))
    assert "no ledger: no room\\x1b[31m" in str(failed)
    assert failed.to_json()["ledger"] is None


def test_of_very_many_rows_the_page_keeps_the_largest():
    many = Ledger(
        tuple(
            collective("all-gather", "fsdp", 64 * n, module_path=f"block{n}x", instruction=f"%{n}")
            for n in range(1, 1201)
        )
    )
    html = LedgerTable(layout("fsdp", "fsdp=64", ledger=many)).to_html()
    assert "200 further rows of together" in html
    assert "block1200x" in html
    assert "block200x<" not in html


def test_a_source_is_shown_from_here_or_by_its_end(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert short_source(f"{tmp_path}/models/mlp.py:3") == "models/mlp.py:3"
    assert short_source("models/mlp.py:3") == "models/mlp.py:3"
    row = ledger_rows([collective("send", "fsdp", 8, source=SourceLine("/a/b/c/d.py", 7, "f"))])[0]
    assert row.source == "c/d.py:7"
