"""Random rule tables, as hypothesis draws them: every option of the language, and names that meet often."""

from hypothesis import strategies as st

from axisrules.axes import PathPattern
from axisrules.rules import KINDS, Rule, RuleTable, Scope
from axisrules.rules.rule import UNEVEN
from axisrules.rules.table import DEFAULT_POLICIES, POLICIES, RULE_POLICIES

LOGICAL_AXES = ("batch", "seq", "embed", "heads", "kv.heads", "layers/0")
MESH_AXES = ("data", "fsdp", "tensor", "stage")
GLOBS = ("decoder/**", "**/kernel", "decoder/*/kernel", "*", 'é [x]/"y"/\n', "a.b", "norm")

names = st.sampled_from(LOGICAL_AXES)
mesh_axes = st.lists(st.sampled_from(MESH_AXES), unique=True, max_size=3).map(tuple)
patterns = st.sampled_from(GLOBS).map(PathPattern)
scopes = st.one_of(
    st.just(Scope()),
    st.builds(Scope, kind=st.sampled_from(KINDS)),
    st.builds(Scope, path=patterns),
    st.builds(Scope, kind=st.sampled_from(KINDS), path=patterns),
)
anchors = st.one_of(
    st.just({}),
    st.builds(lambda side, name: {side: name}, st.sampled_from(["before", "after"]), names),
)


def policies(known: tuple[str, ...]) -> st.SearchStrategy[tuple[tuple[str, str], ...]]:
    """Decisions about some of `known`, in its order."""
    chosen = st.dictionaries(st.sampled_from(known), st.sampled_from(POLICIES), max_size=2)
    return chosen.map(lambda found: tuple((name, found[name]) for name in known if name in found))


rules = st.builds(
    lambda name, axes, scope, partial, uneven, own, anchor: Rule(
        name, axes, scope, partial=partial, uneven=uneven, policies=own, **anchor
    ),
    names,
    mesh_axes,
    scopes,
    st.booleans(),
    st.sampled_from([None, *UNEVEN]),
    policies(RULE_POLICIES),
    anchors,
)
layers = st.lists(rules, min_size=1, max_size=8).map(tuple)


def _with_origins(table: RuleTable, number: int) -> RuleTable:
    from dataclasses import replace

    from axisrules.diagnostics import Origin

    layer = tuple(replace(rule, origin=Origin(f"{number}.toml", i)) for i, rule in enumerate(table.rules, 1))
    return replace(table, layers=(layer,))


tables = st.builds(
    lambda layer, optional, declared, number: _with_origins(RuleTable((layer,), optional, declared), number),
    layers,
    mesh_axes,
    policies(tuple(DEFAULT_POLICIES)),
    st.integers(0, 999),
)
