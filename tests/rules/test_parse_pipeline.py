"""What tables say of pipelines: read, composed, dumped and refused."""

import pytest

from axisrules.diagnostics import AxisRulesError
from axisrules.rules import PipelineRules, dump_rules, load_rules, parse_rules, parse_training

RULES = {"rules": {"layers": "stage"}}


def test_all_keys_are_read():
    found = parse_rules(RULES | {"schedule": "1f1b", "microbatches": 16, "repeats": 1, "split": [3, 0, 2]})
    assert found.pipeline == PipelineRules("1f1b", 16, 1, (3, 0, 2))
    assert parse_rules(RULES).pipeline == PipelineRules()


@pytest.mark.parametrize(
    "said",
    [
        {"schedule": 3},
        {"microbatches": 0},
        {"microbatches": True},
        {"microbatches": "many"},
        {"repeats": 10**9},
        {"split": 3},
        {"split": []},
        {"split": [1, -1]},
    ],
)
def test_values_of_the_wrong_type_are_refused(said):
    with pytest.raises(AxisRulesError) as caught:
        parse_rules(RULES | said)
    assert {d.code for d in caught.value.diagnostics} == {"AXR104"}


def test_a_composed_table_keeps_what_the_upper_one_leaves_open():
    table = load_rules("pipeline") | parse_training({"microbatches": 8})
    assert table.pipeline.schedule == "1f1b"
    assert table.pipeline.microbatches == 8
    assert (table | parse_rules(RULES)).pipeline == table.pipeline


def test_composing_is_associative():
    parts = [
        parse_rules(RULES | said)
        for said in ({"schedule": "gpipe", "microbatches": 2}, {"schedule": "1f1b"}, {"split": [1, 1]})
    ]
    a, b, c = parts
    assert ((a | b) | c).pipeline == (a | (b | c)).pipeline == PipelineRules("1f1b", 2, None, (1, 1))


def test_a_dump_reads_back():
    table = parse_rules(RULES | {"schedule": "interleaved", "microbatches": 4, "repeats": 2, "split": [1, 2]})
    text = dump_rules(table)
    assert 'schedule = "interleaved"\n' in text
    assert "split = [1, 2]\n" in text


@pytest.mark.parametrize(("name", "microbatches"), [("pipeline", None), ("3d", 4), ("3d_sp", 4)])
def test_the_shipped_pipelines_say_their_schedule(name, microbatches):
    assert load_rules(name).pipeline == PipelineRules("1f1b", microbatches)
