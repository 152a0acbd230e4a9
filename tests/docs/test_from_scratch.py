"""The page that rebuilds the resolver, held against the resolver: random tables, arrays and meshes."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axisrules.axes import PathPattern
from axisrules.resolve import Resolution, RuleIndex, resolve
from axisrules.rules import KINDS, Rule, RuleTable, Scope

PAGE = Path(__file__).parents[2] / "docs" / "pages" / "from_scratch.md"
PROBLEM_OF = {
    "AXR301": "unknown_logical_axis",
    "AXR302": "unknown_logical_axis",
    "AXR303": "rank_mismatch",
    "AXR304": "repeated_logical_axis",
    "AXR401": "uneven_split",
    "AXR402": "collision",
}
MESH_AXES = ["data", "fsdp", "tensor", "stage"]
NAMES = ["batch", "seq", "embed", "heads"]
SCOPE_KINDS = [None, None, "params", "optimizer", "activations"]
GLOBS = [None, "decoder/**", "**/kernel", "decoder/*/kernel", "decoder/m?p/*", "*/mlp/kernel", "**"]
PATHS = ["decoder/mlp/kernel", "decoder/attn/kernel", "decoder/mlp/bias", "kernel", "head/mlp/out/kernel"]

# Few globs for each table: scopes must meet for their order to matter.
tables = st.lists(st.sampled_from(GLOBS), min_size=1, max_size=2).flatmap(
    lambda globs: st.lists(
        st.tuples(
            st.sampled_from(NAMES),
            st.lists(st.sampled_from(MESH_AXES), unique=True, max_size=3).map(tuple),
            st.sampled_from(SCOPE_KINDS),
            st.sampled_from(globs),
            st.booleans(),
            st.sampled_from([None, "replicate", "next", "prefix"]),
        ),
        min_size=1,
        max_size=8,
    )
)
# None leaves a mesh axis out.
meshes = st.fixed_dictionaries({axis: st.sampled_from([None, 1, 2, 3, 4]) for axis in MESH_AXES})
array_names = st.one_of(
    st.permutations([*NAMES, None]), st.lists(st.sampled_from([*NAMES, "unruled", None]), max_size=4)
)


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """What the page's plain code blocks define, in order."""
    blocks = PAGE.read_text(encoding="utf-8").split("```python\n")[1:]
    namespace: dict[str, Any] = {}
    for block in blocks:
        code = block.split("```")[0]
        if not code.startswith(">>>"):
            exec(compile(code, str(PAGE), "exec"), namespace)
    return namespace


@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(data=st.data(), rules=tables, names=array_names, mesh=meshes)
def test_page_and_library_agree(
    page: dict[str, Any],
    data: st.DataObject,
    rules: list[tuple[Any, ...]],
    names: list[str | None],
    mesh: dict[str, int | None],
) -> None:
    mesh = {axis: size for axis, size in mesh.items() if size}
    rank = data.draw(st.sampled_from([len(names)] * 9 + [len(names) + 1, max(0, len(names) - 1)]))
    shape = tuple(data.draw(st.lists(st.integers(0, 24), min_size=rank, max_size=rank)))
    kind, path = data.draw(st.sampled_from([None, *KINDS])), data.draw(st.sampled_from(PATHS))

    spec, problems = page["resolve"](names, shape, mesh, [page["Rule"](*rule) for rule in rules], kind, path)

    index = RuleIndex(RuleTable(layers=(tuple(map(library_rule, rules)),)))
    theirs = resolve(names, index, mesh, shape=shape, chain=index.chain(kind, path))
    assert spec == theirs.spec
    assert sorted(problems) == sorted(errors(theirs))


def library_rule(fields: tuple[Any, ...]) -> Rule:
    name, mesh_axes, kind, glob, partial, uneven = fields
    scope = Scope(kind, PathPattern(glob) if glob else None)
    return Rule(name, mesh_axes, scope, partial=partial, uneven=uneven)


def errors(resolution: Resolution) -> list[str]:
    return [PROBLEM_OF[f.code.code] for f in resolution.findings if f.code.severity == "error"]
