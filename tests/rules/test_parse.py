"""Bad tables are refused with the right codes and lines, and all of it at once."""

import time
import tomllib
from pathlib import Path
from types import MappingProxyType

import pytest

from axisrules.axes import PathPattern
from axisrules.diagnostics import AxisRulesError, Diagnostic
from axisrules.rules import Scope, load_rules, parse_rules, read_rules
from axisrules.rules.text_file import MAX_BYTES

CASES = Path(__file__).parents[1] / "cases" / "bad_tables.toml"
# What no file of cases should spell out.
LONG = {
    "{digits}": "1" * 5000,
    "{brackets}": "[" * 5000 + "]" * 5000,
    "{sixty}": "[" * 60 + "]" * 60,
    "{braces}": "{a=" * 5000,
    "{dots}": ".".join(["a"] * 5000),
    "{many}": str([f"m{i}" for i in range(100)]),
    "{stars}": "*a" * 5000,
}


def cases() -> list[pytest.param]:
    found = tomllib.loads(CASES.read_text(encoding="utf-8"))["case"]
    return [pytest.param(case["text"], case["found"], id=case["name"]) for case in found]


def refused(source: object) -> tuple[Diagnostic, ...]:
    with pytest.raises(AxisRulesError) as caught:
        parse_rules(source)
    return caught.value.diagnostics


@pytest.mark.parametrize(("text", "found"), cases())
def test_bad_files(text: str, found: list[tuple[str, int]], tmp_path: Path) -> None:
    for mark, long in LONG.items():
        text = text.replace(mark, long)
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding="utf-8")
    started = time.perf_counter()
    with pytest.raises(AxisRulesError) as caught:
        read_rules(path)
    places = [(d.code, d.origin.line if d.origin else -1) for d in caught.value.diagnostics]
    assert sorted(places) == sorted(map(tuple, found))
    assert {d.origin.file for d in caught.value.diagnostics if d.origin} == {str(path)}
    assert all(line.isprintable() for line in str(caught.value).splitlines())
    assert len(str(caught.value)) < 3000 * len(found)
    assert time.perf_counter() - started < 5


def test_the_cases_have_names_of_their_own() -> None:
    names = [case.id for case in cases()]
    assert len(set(names)) == len(names)


class FailingRepr:
    def __repr__(self) -> str:
        raise ValueError("no text for you")


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        (None, ["AXR104"]),
        ([], ["AXR104"]),
        ("fsdp", ["AXR104"]),
        (3, ["AXR104"]),
        ({}, ["AXR107"]),
        ({"rules": None}, ["AXR104"]),
        ({"rules": {1: "data"}}, ["AXR104"]),
        ({"rules": {None: "data"}}, ["AXR104"]),
        ({"rules": {"embed": {"data"}}}, ["AXR104"]),
        ({"rules": {"embed": b"data"}}, ["AXR104"]),
        ({"rules": {"embed": ["data", b"fsdp"]}}, ["AXR106"]),
        ({"rules": {"embed": None}}, ["AXR104"]),
        ({"rules": {"embed": FailingRepr()}}, ["AXR104"]),
        ({"rules": {"embed": [FailingRepr()]}}, ["AXR106"]),
        ({"rules": {"embed": 10**5000}}, ["AXR104"]),
        ({"rules": {"embed": "x" * 10_000}}, ["AXR106"]),
        ({"rules": {"embed": [[]] * 2}}, ["AXR106", "AXR106"]),
        ({"rules": {"embed": []}, "doc": "\ud800"}, ["AXR104"]),
        ({"rules": {"embed": []}, "path": {"a\ud800": {"embed": []}}}, ["AXR113"]),
        ({"rules": {"embed": []}, "path": {3: {"embed": []}}}, ["AXR104"]),
        ({"rules": {"embed": []}, 3: 4}, ["AXR103"]),
        ({"rules": {"embed": {"any": ["a", "b"], "uneven": "pad", "collision": "never"}}}, ["AXR104"] * 2),
    ],
)
def test_bad_values(source: object, codes: list[str]) -> None:
    found = refused(source)
    assert [d.code for d in found] == codes
    assert max(len(d.why) for d in found) < 500


def test_a_value_that_holds_itself() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert [d.code for d in refused({"rules": {"embed": loop}})] == ["AXR106"]
    table: dict[str, object] = {}
    table["rules"] = table
    assert {d.code for d in refused(table)} == {"AXR103", "AXR104"}


def test_any_mapping_is_a_table() -> None:
    assert parse_rules(MappingProxyType({"rules": MappingProxyType({"embed": ("fsdp", "data")})})).mesh_axes


def test_a_place_in_python_is_named_by_its_keys() -> None:
    [found] = refused({"rules": {"embed": 3}})
    assert found.origin
    assert (found.origin.file, found.origin.line, found.origin.text) == ("<python>", 0, "rules.embed")
    assert found.subject == "rules.embed"


def test_everything_a_rule_can_say() -> None:
    table = parse_rules(
        {
            "rules": {
                "embed": {"any": [["fsdp", "data"], "fsdp", []], "partial": True, "uneven": "prefix"},
                "heads": {"mesh": "tensor", "collision": "warn", "uneven_split": "allow", "before": "embed"},
            },
            "path": {"optimizer:**/norm/*": {"embed": []}},
        }
    )
    heads, wide, narrow, whole, norm = table.rules
    assert [rule.mesh_axes for rule in (wide, narrow, whole)] == [("fsdp", "data"), ("fsdp",), ()]
    assert all(rule.partial and rule.uneven == "prefix" for rule in (wide, narrow, whole))
    assert heads.policies == (("collision", "warn"), ("uneven_split", "allow"))
    assert table.policy("collision", heads) == "warn"
    assert table.policy("collision", wide) == table.policy("collision") == "error"
    assert norm.scope == Scope("optimizer", PathPattern("**/norm/*"))
    assert str(norm.scope) == "optimizer:**/norm/*"
    assert (wide.target, narrow.target, whole.target) == ("[fsdp, data]", "fsdp", "[]")


@pytest.mark.parametrize(
    "content", [b"\xff\xfe[rules]", b"embed = '\xe9'", b"[rules]\n" + b"# 4 MiB\n" * (MAX_BYTES // 8)]
)
def test_files_that_are_no_text(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_bytes(content)
    with pytest.raises(AxisRulesError) as caught:
        read_rules(path)
    assert [d.code for d in caught.value.diagnostics] == ["AXR101"]


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "loop.toml").symlink_to(tmp_path / "loop.toml")
    for path in (
        tmp_path,
        tmp_path / "missing.toml",
        tmp_path / "loop.toml",
        "nul\0byte.toml",
        "x" * 5000 + ".toml",
    ):
        with pytest.raises(AxisRulesError) as caught:
            read_rules(path)
        assert [d.code for d in caught.value.diagnostics] == ["AXR101"]


def test_a_file_just_under_the_limit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("[rules]\nembed = []\n" + "# x\n" * 1_000_000, encoding="utf-8")
    assert len(read_rules(path).rules) == 1


@pytest.mark.parametrize(
    "source",
    ["fsdb", "", "+", "fsdp+", "fsdp+nope", "FSDP", "../rules/presets/fsdp", "fs\0dp", None, 3, ["fsdp"]],
)
def test_what_names_no_table(source: object) -> None:
    with pytest.raises(AxisRulesError) as caught:
        load_rules(source)  # type: ignore[arg-type]
    assert [d.code for d in caught.value.diagnostics] == ["AXR111"]


def test_a_misspelt_preset_is_proposed() -> None:
    with pytest.raises(AxisRulesError) as caught:
        load_rules("fsdp_pt")
    assert caught.value.diagnostics[0].fix == "did you mean `fsdp_tp`?"


def test_files_are_joined_by_a_plus_and_may_have_one_in_their_path(tmp_path: Path) -> None:
    folder = tmp_path / "c++"
    folder.mkdir()
    path = folder / "mine.toml"
    path.write_text("[rules]\nmine = []\n", encoding="utf-8")
    assert [rule.logical_axis for rule in load_rules(str(path)).rules] == ["mine"]
    assert load_rules(path) == load_rules(str(path))
    plain = tmp_path / "mine.toml"
    plain.write_text("[rules]\nmine = []\n", encoding="utf-8")
    assert load_rules(f"fsdp+{plain}") == load_rules("fsdp") | load_rules(plain)


def test_a_table_may_say_how_a_step_is_run_and_nothing_else():
    found = load_rules("pipeline") | parse_rules({"split": [3, 1]})
    assert found.pipeline.split == (3, 1)
    assert found.pipeline.schedule == "1f1b"
    assert found.rules == load_rules("pipeline").rules
