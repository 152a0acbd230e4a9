"""Rule tables as TOML: what is read is what stands there, and what is dumped is what was meant."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given

from axisrules.diagnostics import AxisRulesError
from axisrules.rules import RuleTable, dump_rules, load_rules, parse_rules, preset_names, read_rules
from axisrules.rules.toml_file import rules_from_toml
from tests.random_tables import tables


def read(text: str) -> RuleTable:
    return rules_from_toml(text, file="rules.toml")


@given(tables)
def test_a_dump_is_read_as_the_same_table(table: RuleTable) -> None:
    again = read(dump_rules(table))
    assert again.rules == table.rules
    assert again.optional_mesh_axes == table.optional_mesh_axes
    assert again.declared_policies == table.declared_policies
    assert read(dump_rules(again)) == again, "once it is in canonical order, nothing moves"


@given(tables)
def test_a_dump_is_canonical(table: RuleTable) -> None:
    assert dump_rules(read(dump_rules(table))) == dump_rules(table)


@given(tables, tables)
def test_a_composed_table_can_be_dumped(a: RuleTable, b: RuleTable) -> None:
    assert read(dump_rules(a | b)).rules == (a | b).rules


@given(tables)
def test_an_independent_parser_reads_the_dump(table: RuleTable) -> None:
    source = tomllib.loads(dump_rules(table))
    assert set(source) <= {"rules", "kind", "path", "policy", "optional_mesh_axes"}


@pytest.mark.parametrize("name", preset_names())
def test_presets_survive_the_round_trip(name: str) -> None:
    table = load_rules(name)
    again = read(dump_rules(table))
    assert again == table
    assert (again.name, again.doc, again.mesh) == (table.name, table.doc, table.mesh)


def test_the_canonical_form() -> None:
    text = """\
doc = 'Two
lines'
""".replace("Two\nlines", "one line")
    text += """
mesh='fsdp=-1'
rules.batch = ["data", "fsdp"]   # a list is one dim over both
rules.seq = { uneven = "next", any = ["tensor", ["data"], []] }
kind.params.embed = ['fsdp']
[path]
"optimizer:**/norm/*" = {embed = {mesh = [], collision = "allow"}}
[policy]
collision = "warn"
"""
    assert (
        dump_rules(read(text))
        == """\
doc = "one line"
mesh = "fsdp=-1"

[policy]
collision = "warn"

[rules]
batch = ["data", "fsdp"]
seq = { any = ["tensor", "data", []], uneven = "next" }

[kind.params]
embed = "fsdp"

[path."optimizer:**/norm/*"]
embed = { mesh = [], collision = "allow" }
"""
    )


def test_a_name_that_returns_makes_a_list_of_pairs() -> None:
    text = """\
rules = [
  ["embed", "fsdp"],
  ["heads", "tensor"],
  ["embed", []],
]
"""
    assert dump_rules(read(text)) == text


def test_every_rule_knows_its_line() -> None:
    text = """\
# a comment
[rules]
batch = "data"   # data

"heads" = { any = [
    "tensor",
    []
] }
[kind.params]
embed = "fsdp"
"""
    found = [(rule.logical_axis, rule.origin.line, rule.origin.text) for rule in read(text).rules]
    assert found == [
        ("batch", 3, 'batch = "data"   # data'),
        ("heads", 5, '"heads" = { any = ['),
        ("heads", 5, '"heads" = { any = ['),
        ("embed", 10, 'embed = "fsdp"'),
    ]
    assert str(read(text).rules[0].origin) == "rules.toml:3"


def test_windows_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "windows.toml"
    path.write_bytes(b'\xef\xbb\xbf[rules]\r\n# one\r\nembed = "fsdp"\r\nheads = """\\\r\n  tensor"""\r\n')
    found = {rule.logical_axis: (rule.target, rule.origin.line) for rule in read_rules(path).rules}
    assert found == {"embed": ("fsdp", 3), "heads": ("tensor", 4)}


def test_other_line_breaks_are_no_line_breaks_of_toml() -> None:
    text = '# a\u2028b\x85c\n[rules]\nembed = "fsdp"\n'
    assert read(text).rules[0].origin.line == 3
    assert read(text).rules[0].origin.text == 'embed = "fsdp"'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[rules]\nembed = \n", 2),
        ("[rules]\na = 1\n\na = 2\n", 4),
        ("[rules]\na = [1,\n2", 3),
        ("[rules\n", 1),
        ('[rules]\na = "x\n', 2),
        ("\n\n=", 3),
    ],
)
def test_a_syntax_error_has_its_line(text: str, line: int) -> None:
    with pytest.raises(AxisRulesError) as caught:
        read(text)
    [found] = caught.value.diagnostics
    assert found.code == "AXR102"
    assert found.origin
    assert (found.origin.file, found.origin.line) == ("rules.toml", line)


def test_all_mistakes_are_reported_at_once_each_with_its_line() -> None:
    text = """\
nmae = "typo"
[rules]
embed = 3
"he ads" = "tensor"
mlp = "ten-sor"
[kind.parms]
embed = []
[policy]
collision = "never"
"""
    with pytest.raises(AxisRulesError) as caught:
        read(text)
    found = {(d.code, d.origin.line) for d in caught.value.diagnostics if d.origin}
    assert found == {("AXR103", 1), ("AXR104", 3), ("AXR105", 4), ("AXR106", 5), ("AXR103", 6), ("AXR104", 9)}


def test_a_doc_of_many_lines_is_kept() -> None:
    table = parse_rules({"doc": 'say "this"\nand\tthat \\ \x7f', "rules": {"a": []}})
    assert read(dump_rules(table)).doc == table.doc
