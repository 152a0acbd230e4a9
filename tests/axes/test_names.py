"""Names of axes: what may be one, and what is said of one that may not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.axes import is_logical_axis_name, is_mesh_axis_name, name_problem, parse_axis_names


@pytest.mark.parametrize("name", ["embed", "kv_heads", "_x", "a.b", "a/b", "a-b", "A1", "x" * 128])
def test_logical_axes(name: str) -> None:
    assert is_logical_axis_name(name)


BAD = [
    "",
    "_",
    "a b",
    "1a",
    "-a",
    "é",
    "\u0435mbed",
    "a\n",
    "a\u200b",
    "x" * 129,
    "a,b",
    "a=b",
    "a:b",
    "a[b]",
]


@pytest.mark.parametrize("name", [*BAD, None, 3, b"embed", ("embed",), True])
def test_no_logical_axes(name: object) -> None:
    assert not is_logical_axis_name(name)
    assert name_problem(name).isprintable()
    assert name_problem(name).isascii()
    assert len(name_problem(name)) < 200


@given(st.text())
def test_a_mesh_axis_is_an_ascii_identifier(name: str) -> None:
    assert is_mesh_axis_name(name) == (name.isascii() and name.isidentifier() and len(name) <= 128)
    assert name_problem(name).isprintable()


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("\u0435mbed", "U+0435 (cyrillic small letter ie)"),
        ("em\u00a0bed", "U+00A0 (no-break space)"),
        ("a\x07b", "U+0007 (a control character)"),
        ("a b", "U+0020 (space)"),
        ("a.b", "mesh axis"),
        ("_", "without a name"),
        ("", "empty"),
    ],
)
def test_an_invisible_character_becomes_visible(name: str, part: str) -> None:
    assert part in name_problem(name)


def test_names_as_text_and_as_a_sequence() -> None:
    assert parse_axis_names("batch seq embed") == ("batch", "seq", "embed")
    assert parse_axis_names("  batch\t_\n embed ") == ("batch", None, "embed")
    assert parse_axis_names(["batch", None, "_"]) == ("batch", None, None)
    assert parse_axis_names("") == parse_axis_names(()) == ()


@pytest.mark.parametrize(
    "names",
    ["batch\u00a0seq", "batch, seq", ["batch", ""], ["batch", 3], ["ba tch"], [["batch"]], "b\u2003c"],
)
def test_names_that_are_none(names: list[str]) -> None:
    with pytest.raises(ValueError, match=r"holds|not|empty|start"):
        parse_axis_names(names)


@pytest.mark.parametrize("names", [None, 3])
def test_what_holds_no_names(names: object) -> None:
    with pytest.raises(TypeError):
        parse_axis_names(names)  # type: ignore[arg-type]
