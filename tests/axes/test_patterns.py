"""Path patterns, against Python's own globs and against brute force; and none of them hangs."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.axes import PathPattern, PatternSet


def by_regex(glob: str, path: str) -> bool:
    """The same question to a backtracking matcher, which may be slow but has no opinion of ours."""
    parts = [
        r"(?:[^/]+/)*"
        if part == "**"
        else re.escape(part).replace(r"\*", "[^/]*").replace(r"\?", "[^/]") + "/"
        for part in glob.split("/")
    ]
    return re.fullmatch("".join(parts), path + "/", re.DOTALL) is not None


globs = st.lists(
    st.one_of(st.just("**"), st.text("ab*?", min_size=1, max_size=4).filter(lambda part: "**" not in part)),
    min_size=1,
    max_size=5,
).map("/".join)
paths = st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=6).map("/".join)


@given(globs, paths)
def test_patterns_match_as_regular_expressions_do(glob: str, path: str) -> None:
    assert PathPattern(glob).matches(path) == by_regex(glob, path)


@given(st.lists(globs, max_size=8), paths)
def test_a_set_matches_as_its_patterns_do(globs: list[str], path: str) -> None:
    patterns = [PathPattern(glob) for glob in globs]
    wanted = [i for i, pattern in enumerate(patterns) if pattern.matches(path)]
    assert PatternSet(patterns).matching(path) == wanted


@pytest.mark.parametrize(
    ("glob", "path", "wanted"),
    [
        ("decoder/*/kernel", "decoder/mlp/kernel", True),
        ("decoder/*/kernel", "decoder/mlp/up/kernel", False),
        ("decoder/**/kernel", "decoder/kernel", True),
        ("decoder/**/kernel", "decoder/a/b/c/kernel", True),
        ("**", "a/b", True),
        ("**/b", "a/bb", False),
        ("a", "a/b", False),
        ("layer_?/x", "layer_1/x", True),
        ("layer_?/x", "layer_12/x", False),
        ("a.b", "aXb", False),
        ("[ab]", "a", False),
        ("[ab]", "[ab]", True),
        ("norm/é", "norm/é", True),
    ],
)
def test_examples(glob: str, path: str, wanted: bool) -> None:
    assert PathPattern(glob).matches(path) is wanted


def test_a_star_means_a_star_even_where_a_path_holds_one() -> None:
    assert PathPattern("a/*/c").matches("a/*/c")
    assert PathPattern("*a").matches("**a")


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("*a" * 250 + "b", "a" * 100_000),
        ("/".join(["**", "a"] * 128), "/".join("a" * 5000) + "/b"),
        ("/".join(["**"] * 170), "/".join("a" * 5000)),
        ("/".join(["*"] * 250), "/".join("a" * 249)),
        ("?" * 512, "a" * 511),
    ],
)
def test_no_pattern_hangs(glob: str, path: str) -> None:
    started = time.perf_counter()
    PathPattern(glob).matches(path)
    assert time.perf_counter() - started < 10


def test_literal_length_orders_by_how_specific_a_pattern_is() -> None:
    globs = ["**", "*/kernel", "decoder/**/kernel", "decoder/mlp/kernel"]
    assert sorted(globs, key=lambda glob: PathPattern(glob).literal_length) == globs
