"""What is said of a table without resolving an array, and what is left unsaid."""

import pytest
from hypothesis import given

from axisrules.diagnostics import Diagnostic
from axisrules.mesh import parse_mesh
from axisrules.resolve import Because, Leaf, RuleIndex, lint_mesh, lint_program, lint_table, resolve
from axisrules.rules import RuleTable, parse_rules
from axisrules.rules.toml_file import rules_from_toml
from tests.random_tables import MESH_AXES, tables


def read(text: str) -> RuleTable:
    return rules_from_toml(text, file="rules.toml")


def found(findings: list[Diagnostic]) -> list[tuple[str, int]]:
    return [(d.code, d.origin.line if d.origin else 0) for d in findings]


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        ("a = { any = ['x', []] }", []),
        ("a = { any = [[], 'x'] }", ["AXR109"]),
        ("a = { any = [[], 'x', 'y'] }", ["AXR109", "AXR109"]),
        ("a = { any = ['x', 'x'] }", ["AXR110"]),
        ("a = { any = [['x', 'y'], ['y', 'x']] }", ["AXR110"]),
        ("a = { any = ['x', ['x', 'y']] }", ["AXR110"]),
        ("a = { any = [['x', 'y'], 'x'] }", []),
        ("a = { any = ['x', ['x', 'y']], partial = true }", []),
        ("a = { mesh = 'x', after = 'b' }\nb = []", []),
        ("a = { mesh = 'x', after = 'a' }", ["AXR112"]),
        ("a = { mesh = 'x', before = 'nobody' }", ["AXR112"]),
        ("a = { mesh = 'x', before = 'b' }\nb = { mesh = 'x', before = 'a' }", ["AXR112", "AXR112"]),
        ("a = { mesh = 'x', after = 'b' }\nb = { mesh = 'x', after = 'c' }\nc = []", []),
    ],
)
def test_tables(rules: str, wanted: list[str]) -> None:
    assert [d.code for d in lint_table(read(f"[rules]\n{rules}\n"))] == wanted


def test_an_alternative_after_an_uneven_next_has_its_use() -> None:
    pairs = [["a", {"mesh": "x", "uneven": "next"}], ["a", {"mesh": ["x", "y"], "uneven": "prefix"}]]
    assert list(lint_table(parse_rules({"rules": pairs}))) == []


def test_scopes_do_not_shadow_each_other() -> None:
    assert list(lint_table(read("[rules]\na = []\n[kind.params]\na = 'x'\n[path.'p']\na = 'x'\n"))) == []


def test_policies_make_lint_stricter_or_quieter() -> None:
    text = "[rules]\na = { any = [[], 'x'] }\n[policy]\ndead_rule = '%s'\n"
    assert [d.severity for d in lint_table(read(text % "error"))] == ["error"]
    assert [d.severity for d in lint_table(read(text % "allow"))] == ["note"]


def test_a_mesh_of_the_table_that_is_none() -> None:
    assert [d.code for d in lint_table(read("mesh = 'data=0'\n[rules]\na = []\n"))] == ["AXR201"]
    [finding] = lint_table(read("mesh = 'data'\n[rules]\na = []\n"))
    assert (finding.code, finding.origin and finding.origin.file) == ("AXR209", "rules.toml")


@given(tables)
def test_a_rule_that_lint_calls_dead_or_shadowed_never_wins(table: RuleTable) -> None:
    """Brute force: whatever mesh axes others hold, and whatever the size of the dim."""
    index = RuleIndex(table)
    flagged = {d.origin for d in lint_table(table) if d.code in ("AXR109", "AXR110")}
    mesh = dict.fromkeys(MESH_AXES, 2)
    for scope, names in index.by_scope.items():
        for name, entries in names.items():
            if not any(rule.origin in flagged for _, rule in entries):
                continue
            for held in range(2 ** len(MESH_AXES)):
                taken = [axis for bit, axis in enumerate(MESH_AXES) if held >> bit & 1]
                others = [rule for _, rule in entries]
                blocked = RuleIndex(RuleTable(((*_holders(taken, scope), *others),)))
                names_asked = [*[f"h_{axis}" for axis in taken], name]
                for size in (1, 2, 4, 8):
                    shape = (*[2] * len(taken), size)
                    chain = (scope,)
                    reason = resolve(names_asked, blocked, mesh, shape=shape, chain=chain).dims[-1]
                    assert reason.rule is None or reason.rule.origin not in flagged


def _holders(mesh_axes: list[str], scope: object) -> list[object]:
    from axisrules.rules import Rule

    return [Rule(f"h_{axis}", (axis,), scope) for axis in mesh_axes]  # type: ignore[arg-type]


def test_a_mesh_and_a_table_held_against_each_other() -> None:
    table = read("optional_mesh_axes = ['pod']\n[rules]\na = ['pod', 'dta']\nb = 'dta'\nc = 'tensor'\n")
    findings = list(lint_mesh(table, parse_mesh("data=2,tensor=4,one=1")))
    assert found(findings) == [("AXR206", 3), ("AXR207", 0)]
    assert findings[0].fix == "did you mean `data`? If not, list `dta` in optional_mesh_axes"
    assert list(lint_mesh(table, parse_mesh("dta=2,tensor=4"))) == []


def test_a_mesh_of_unknown_size_is_not_called_empty() -> None:
    [finding] = lint_mesh(read("[rules]\na = []\n"), parse_mesh("data=-1"))
    assert finding.code == "AXR207"
    assert "-1 devices" not in finding.why


def test_a_program_that_has_no_use_for_a_rule() -> None:
    text = "[rules]\nembed = 'x'\nmlp = []\n[kind.params]\nembed = []\n[path.'old/*']\nembed = 'x'\n"
    leaf = Leaf("new/kernel", "params", (8,), "float32", 4, ("embed",))
    findings = list(lint_program(read(text), [leaf]))
    assert [(d.code, d.severity) for d in findings] == [("AXR310", "warning"), ("AXR109", "note")]
    assert "`mlp`" in findings[1].why


def test_a_pipeline_has_a_use_for_layers_that_no_array_names() -> None:
    leaf = Leaf("layers_0/kernel", "params", (8,), "float32", 4, ("embed",))
    text = "[rules]\nembed = 'x'\nlayers = 'stage'\n"
    assert [d.code for d in lint_program(read(text), [leaf])] == ["AXR109"]
    assert list(lint_program(read(f"schedule = 'gpipe'\n{text}"), [leaf])) == []


@pytest.mark.parametrize("because", list(Because))
def test_every_reason_reads_as_a_sentence(because: Because) -> None:
    assert because.value[0].islower() or because.value[0] == "["
    assert not because.value.endswith(".")
