"""Lines of keys, against TOML at its most awkward; `tomllib` is the referee of what the keys are."""

import time
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.rules.toml_lines import MAX_NESTING, TomlPath, key_lines, toml_tokens, too_deep


def lines(text: str) -> dict[TomlPath, int]:
    tomllib.loads(text)
    return key_lines(toml_tokens(text))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a = 1\nb = 2", {("a",): 1, ("b",): 2}),
        ("# a = 1\n\n\nb = 2 # c = 3", {("b",): 4}),
        ("a.b.c = 1", {("a", "b", "c"): 1}),
        ("a . 'b c' . \"d.e\" = 1", {("a", "b c", "d.e"): 1}),
        ('"quoted \\" = \\u0041" = 1', {('quoted " = A',): 1}),
        ("'' = 1\n\"#\" = 2", {("",): 1, ("#",): 2}),
        ("1-2_x = 1\n3.14 = 2", {("1-2_x",): 1, ("3", "14"): 2}),
        ('a = """\nb = 1\n[c]\n"""\nd = 2', {("a",): 1, ("d",): 5}),
        ("a = '''\nb = 1\n'''\nd = 2", {("a",): 1, ("d",): 4}),
        ('a = """x"""""\nb = 2', {("a",): 1, ("b",): 2}),
        ("a = '''''x'''''\nb = 2", {("a",): 1, ("b",): 2}),
        ('a = """\\\n   x \\"""\n"""\nb = 2', {("a",): 1, ("b",): 4}),
        ("a = '\\'\nb = 2", {("a",): 1, ("b",): 2}),
        ('a = "]"\nb = "#"\nc = \'"\'\nd = 1', {("a",): 1, ("b",): 2, ("c",): 3, ("d",): 4}),
        ("[t]\na = 1\n[t.u]\na = 2", {("t",): 1, ("t", "a"): 2, ("t", "u"): 3, ("t", "u", "a"): 4}),
        ("[ t . 'u' ] # x\na = 1", {("t", "u"): 1, ("t", "u", "a"): 2}),
        ("[[t]]\na = 1\n[[t]]\na = 2", {("t",): 1, ("t", "a"): 2}),
        ("t = { a = 1, b = { c = 2 } }\nd = 3", {("t",): 1, ("d",): 2}),
        ("a = [\n  1, # one\n\n  2,\n]\nb = 1", {("a",): 1, ("a", 0): 2, ("a", 1): 4, ("b",): 6}),
        ("a = [[1, 2], [\n3], ['x']]", {("a",): 1, ("a", 0): 1, ("a", 1): 1, ("a", 2): 2}),
        ("a = [{x = 1},\n{y = [2, 3]}]", {("a",): 1, ("a", 0): 1, ("a", 1): 2}),
        ("a = []\nb = 1", {("a",): 1, ("b",): 2}),
        ("a = 1979-05-27T07:32:00Z\nb = -inf", {("a",): 1, ("b",): 2}),
        ("a = 1\r\n\r\nb = 2\r\n", {("a",): 1, ("b",): 3}),
        ("a = [ # ]\n'#', ]\nb = 1", {("a",): 1, ("a", 0): 2, ("b",): 3}),
        ("[t]\n\n", {("t",): 1}),
        ("", {}),
    ],
)
def test_lines(text: str, wanted: dict[TomlPath, int]) -> None:
    assert lines(text) == wanted


keys = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,4}", fullmatch=True),
    st.sampled_from(["'a.b'", '"c = d"', '"#"', "'['", '"\\u00e9"', '"é"', '""']),
)
values = st.sampled_from(
    [
        *("1", "'x'", '"""\nq = 1\n"""', "'''\n[h]\n'''", "[1, [2]]", "[\n 1,\n\n 2, # two\n]"),
        *("{ a = 1 }", '"\\""', "'#'", "inf", "2020-01-01", "[\"]\", '[']", "[{ k = [1, 2] }]"),
    ]
)
blanks = st.sampled_from(["", "\n", "# [c]\n", "\n  # d = 'e'\n"])
entries = st.lists(st.tuples(blanks, keys, values), max_size=8)


@given(entries, st.sampled_from(["\n", "\r\n"]))
def test_random_files(entries: list[tuple[str, str, str]], line_end: str) -> None:
    """Built line by line, so that the line of each key is known beforehand."""
    text, wanted = "", {}
    for blank, key, value in entries:
        name = next(iter(tomllib.loads(f"{key} = 0")))
        if (name,) in wanted:
            continue
        text += blank
        wanted[name,] = text.count("\n") + 1
        text += f"{key} = {value}\n"
    found = lines(text.replace("\n", line_end))
    assert {path: line for path, line in found.items() if len(path) == 1} == wanted


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = " + "[" * MAX_NESTING + "]" * MAX_NESTING, 0),
        ("\na = " + "[" * (MAX_NESTING + 1), 2),
        ("a = " + "{b=" * 5000, 1),
        ("[rules]\n" + ".".join("a" * 5000) + " = 1", 2),
        ("[" + " . ".join(["'a'"] * 5000) + "]", 1),
        ("# [0, 1)\n" * 500 + "a = '[[[['\n" * 500, 0),
        ("a = [" + "1.5, " * 500 + "]", 0),
    ],
)
def test_nesting(text: str, line: int) -> None:
    assert too_deep(toml_tokens(text)) == line


@pytest.mark.parametrize(
    "piece", ['"""\n\\', "'''", '"', "'", '\\"', "[", "a.", "\\", '"""', "'\n", "=", '"\\', "{", "#", "a"]
)
def test_any_text_is_read_in_one_pass(piece: str) -> None:
    """A megabyte of what an attacker might repeat: quadratic work would take minutes."""
    started = time.perf_counter()
    too_deep(toml_tokens(piece * (1_000_000 // len(piece))))
    assert time.perf_counter() - started < 10
