"""MaxText's `logical_axis_rules` from YAML: Flax's answers, lines kept, nothing run and nothing guessed."""

import time
from pathlib import Path

import flax.linen as nn
import pytest

from axisrules.diagnostics import AxisRulesError
from axisrules.resolve import RuleIndex, resolve
from axisrules.rules import RuleTable, load_rules, read_maxtext_rules

CONFIG = """\
# as in MaxText's configurations
run_name: "example"
mesh_axes: ['data', 'stage', 'fsdp', 'tensor']
shared: &wide ['data', 'fsdp']
logical_axis_rules: [
                      ['activation_batch', *wide],
                      ['activation_embed', ['tensor']],
                      # repeated names are alternatives
                      ['embed', ['fsdp', 'stage']],
                      ['embed', ['fsdp']],
                      ['norm', ~],
                      ['mlp', 'tensor'],
                      ['on', []],
                    ]
steps: 10
"""
FLAX_RULES = [
    ("activation_batch", ("data", "fsdp")),
    ("activation_embed", ("tensor",)),
    ("embed", ("fsdp", "stage")),
    ("embed", ("fsdp",)),
    ("norm", None),
    ("mlp", "tensor"),
    ("on", ()),
]


def read(tmp_path: Path, text: str | bytes) -> RuleTable:
    path = tmp_path / "base.yml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_maxtext_rules(path)


@pytest.mark.parametrize(
    "names",
    [("activation_batch", None, "activation_embed"), ("embed", "mlp"), ("norm",), ("mlp", "embed", "on")],
)
def test_the_answer_is_that_of_flax(tmp_path: Path, names: tuple[str | None, ...]) -> None:
    spec = resolve(names, RuleIndex(read(tmp_path, CONFIG))).spec
    theirs = nn.logical_to_mesh_axes(names, FLAX_RULES)
    assert theirs is not None
    assert spec == tuple((a,) if isinstance(a, str) else tuple(a or ()) for a in theirs)


def test_every_rule_keeps_its_line_and_every_mesh_axis_is_optional(tmp_path: Path) -> None:
    table = read(tmp_path, CONFIG)
    assert [rule.origin.line for rule in table.rules] == [6, 7, 9, 10, 11, 12, 13]
    assert table.rules[1].origin.text == "['activation_embed', ['tensor']],"
    assert table.optional_mesh_axes == table.mesh_axes == ("data", "fsdp", "tensor", "stage")
    assert load_rules(tmp_path / "base.yml") == load_rules(str(tmp_path / "base.yml")) == table


def test_a_list_in_block_style_and_a_bare_list(tmp_path: Path) -> None:
    table = read(
        tmp_path, "logical_axis_rules:\r\n- [batch, data]\r\n- - embed\r\n  - - fsdp\r\n    - data\r\n"
    )
    assert [(rule.logical_axis, rule.target, rule.origin.line) for rule in table.rules] == [
        ("batch", "data", 2),
        ("embed", "[fsdp, data]", 3),
    ]
    assert read(tmp_path, "- [batch, data]\n") == read(tmp_path, "logical_axis_rules: [[batch, data]]\n")


def test_a_name_is_the_text_that_stands_there(tmp_path: Path) -> None:
    """YAML 1.1 would make true of `on`, and a number of `1_0`."""
    table = read(tmp_path, "- [on, data]\n- [yes, no]\n- [_1_0, 'null']\n")
    assert [(rule.logical_axis, rule.target) for rule in table.rules] == [
        *(("on", "data"), ("yes", "no"), ("_1_0", "null"))
    ]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("", "AXR104", 0),
        ("just text", "AXR104", 0),
        ("steps: 10\n", "AXR103", 0),
        ("logical_axis_rule: [[batch, data]]\n", "AXR103", 0),
        ("logical_axis_rules: data\n", "AXR104", 1),
        ("steps: 1\nlogical_axis_rules: {batch: data}\n", "AXR104", 2),
        ("logical_axis_rules: []\n", "AXR107", 0),
        ("logical_axis_rules:\n", "AXR104", 1),
        ("logical_axis_rules: [[a, b]]\nlogical_axis_rules: [[a, c]]\n", "AXR102", 2),
        ("steps: 1\nlogical_axis_rules: [[a, b]]\nsteps: 2\n", "AXR102", 3),
        ("? [1, 2]\n: 3\n? [1, 2]\n: 3\n", "AXR102", 3),
        ("logical_axis_rules: [[a, b]\nsteps: 1\n", "AXR102", 2),
        ("a: b: c\n", "AXR102", 1),
        ("- [a, b]\n--- \n- [c, d]\n", "AXR102", 2),
        ("- [a, *nobody]\n", "AXR102", 1),
        ("\n- !!python/object/apply:os.system ['true']\n", "AXR102", 2),
        ("- [a, !!python/name:os.system '']\n", "AXR102", 1),
        ("- [a, !secret data]\n", "AXR102", 1),
        ("- [a, !!binary ZGF0YQ==]\n", "AXR102", 1),
        ("- [1, data]\n", "AXR105", 1),
        ("- [~, data]\n", "AXR105", 1),
        ("- ['a b', data]\n", "AXR105", 1),
        ("- [a, 2020-01-01]\n", "AXR106", 1),
        ("- [a, .nan]\n", "AXR106", 1),
        ("- [a, [data, data]]\n", "AXR108", 1),
        ("- [a, b, c]\n", "AXR104", 1),
        ("- a\n", "AXR104", 1),
        ("- {a: b}\n", "AXR104", 1),
        ("- [a, {mesh: b}]\n", "AXR104", 1),
        ("- [a, [[[b]]]]\n", "AXR106", 1),
        ("&a [*a, *a]\n", "AXR105", 1),
        ("- &a [b, *a]\n", "AXR106", 1),
        ("- [b, &a [*a]]\n", "AXR106", 1),
        ("\x00", "AXR102", 0),
        ("- [a, \x07]\n", "AXR102", 0),
        (b"- [a, '\xff']\n", "AXR101", 0),
        ("- " * 5000 + "a\n", "AXR102", 0),
        ("[" * 5000, "AXR102", 0),
        ("{" * 5000, "AXR102", 0),
    ],
)
def test_bad_files(tmp_path: Path, text: str | bytes, code: str, line: int) -> None:
    with pytest.raises(AxisRulesError) as caught:
        read(tmp_path, text)
    first = caught.value.diagnostics[0]
    assert (first.code, first.origin and first.origin.line) == (code, line)
    assert all(part.isprintable() for part in str(caught.value).splitlines())


def test_aliases_cannot_multiply(tmp_path: Path) -> None:
    """A billion laughs: small on paper, and more than any memory when written out."""
    laughs = ["- &l0 [" + ", ".join(["ha"] * 20) + "]"]
    laughs += [f"- &l{i} [" + ", ".join([f"*l{i - 1}"] * 20) + "]" for i in range(1, 30)]
    started = time.perf_counter()
    with pytest.raises(AxisRulesError) as caught:
        read(tmp_path, "\n".join(laughs))
    assert {d.code for d in caught.value.diagnostics} == {"AXR104"}
    assert time.perf_counter() - started < 5


def test_more_entries_than_any_table_has(tmp_path: Path) -> None:
    with pytest.raises(AxisRulesError) as caught:
        read(tmp_path, "- &a [b, c]\n- [" + "*a, " * 2 + "*a]\n" + "- *a\n" * 2000)
    assert {d.code for d in caught.value.diagnostics} == {"AXR104"}
