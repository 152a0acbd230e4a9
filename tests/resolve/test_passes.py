"""Laws of the resolver, and its answer to every question that the rule language can ask."""

import math
from typing import NamedTuple

import jax
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.sharding import NamedSharding, PartitionSpec

from axisrules.axes import MeshAxis
from axisrules.resolve import Because, Resolution, RuleIndex, resolve
from axisrules.rules import RuleTable, load_rules, parse_rules
from tests.random_tables import LOGICAL_AXES, MESH_AXES, tables

meshes = st.fixed_dictionaries({axis: st.integers(1, 4) for axis in MESH_AXES})
logical_axes = st.lists(st.sampled_from([*LOGICAL_AXES, "unruled", None]), max_size=5)


class Question(NamedTuple):
    names: tuple[str | None, ...]
    shape: tuple[int, ...]
    table: RuleTable
    mesh: dict[MeshAxis, int]


@st.composite
def questions(draw: st.DrawFn) -> Question:
    names = draw(logical_axes)
    sizes = st.sampled_from([0, 1, 2, 3, 4, 6, 8, 12, 24, 36])
    shape = draw(st.lists(sizes, min_size=len(names), max_size=len(names)))
    return Question(tuple(names), tuple(shape), draw(tables), draw(meshes))


def answer(question: Question) -> Resolution:
    index = RuleIndex(question.table)
    chain = index.chain("params", "decoder/mlp/kernel")
    return resolve(question.names, index, question.mesh, shape=question.shape, chain=chain)


@given(questions())
def test_no_mesh_axis_twice_in_a_spec(question: Question) -> None:
    used = [mesh_axis for axes in answer(question).spec for mesh_axis in axes]
    assert len(set(used)) == len(used)


@given(questions())
def test_every_split_is_even(question: Question) -> None:
    for size, reason in zip(question.shape, answer(question).dims, strict=True):
        assert reason.ways == math.prod(question.mesh[axis] for axis in reason.mesh_axes)
        assert size % reason.ways == 0


@given(questions())
def test_every_dim_is_explained(question: Question) -> None:
    """A dim that is cut has a rule; one that is not has a reason, and all its other rules are listed."""
    index = RuleIndex(question.table)
    chain = index.chain("params", "decoder/mlp/kernel")
    for dim, reason in enumerate(answer(question).dims):
        assert (reason.dim, reason.logical_axis) == (dim, question.names[dim])
        speaking = [rule for _, rule in index.group(chain, question.names[dim] or "")]  # type: ignore[arg-type]
        if reason.because in (Because.UNNAMED, Because.NO_RULE, Because.REPEATED):
            assert (reason.rule, reason.mesh_axes, reason.rejected) == (None, (), ())
            continue
        rejected = [rejection.rule for rejection in reason.rejected]
        fallen_back = reason.because in (Because.UNEVEN, Because.PREFIX) and reason.rule is not None
        named = rejected if fallen_back or reason.rule is None else [*rejected, reason.rule]
        assert sorted(map(repr, named)) == sorted(map(repr, speaking))
        if reason.mesh_axes:
            assert reason.rule is not None
            assert set(reason.mesh_axes) <= set(reason.rule.mesh_axes)


@given(questions())
def test_a_mesh_axis_of_size_one_vanishes_from_the_spec_and_stays_in_the_explanation(
    question: Question,
) -> None:
    for reason in answer(question).dims:
        assert all(question.mesh[mesh_axis] > 1 for mesh_axis in reason.mesh_axes)
        if reason.because is Because.ONE_WAY:
            assert reason.rule is not None
            assert reason.rule.mesh_axes


@given(questions())
def test_which_rule_wins_does_not_depend_on_sizes(question: Question) -> None:
    """As long as all splits are even: the same table on one device and on thousands."""
    even = question._replace(shape=tuple(24**4 for _ in question.names))
    small = even._replace(mesh=dict.fromkeys(MESH_AXES, 1))
    winners = [reason.rule for reason in answer(even).dims]
    assert winners == [reason.rule for reason in answer(small).dims]
    index = RuleIndex(question.table)
    chain = index.chain("params", "decoder/mlp/kernel")
    by_names = resolve(question.names, index, chain=chain)
    assert winners == [reason.rule for reason in by_names.dims]


@given(questions())
def test_what_differs_from_the_table_is_found(question: Question) -> None:
    """A dim that is less cut than the first of its rules asks for, without an alternative, has a finding."""
    result = answer(question)
    index = RuleIndex(question.table)
    chain = index.chain("params", "decoder/mlp/kernel")
    for dim, reason in enumerate(result.dims):
        if reason.because in (Because.UNNAMED, Because.REPEATED, Because.NO_RULE):
            continue
        group = [rule for _, rule in index.group(chain, question.names[dim] or "")]  # type: ignore[arg-type]
        asked = [math.prod(question.mesh[axis] for axis in rule.mesh_axes) for rule in group]
        if len(group) == 1 and reason.ways < asked[0]:
            assert any(finding.rule == group[0] for finding in result.findings)
            lost = next(finding.lost_ways for finding in result.findings if finding.rule == group[0])
            assert lost == asked[0] // reason.ways
        if len(group) == 1 and reason.ways == asked[0]:
            assert not any(finding.rule == group[0] for finding in result.findings)


@given(questions())
def test_findings_are_those_of_the_catalogue(question: Question) -> None:
    codes = {finding.code.code for finding in answer(question).findings}
    assert codes <= {"AXR301", "AXR302", "AXR304", "AXR401", "AXR402"}
    repeated = [name for name in question.names if name is not None]
    assert ("AXR304" in codes) == (len(set(repeated)) < len(repeated))


@given(questions())
def test_jax_takes_every_spec(question: Question) -> None:
    """NamedSharding.shard_shape is the referee of the local shape."""
    mesh = {axis: min(size, 2) if axis != "stage" else 1 for axis, size in question.mesh.items()}
    result = answer(question._replace(mesh=mesh))
    device_mesh = jax.sharding.AbstractMesh(tuple(mesh.values()), tuple(mesh))
    sharding = NamedSharding(device_mesh, PartitionSpec(*result.spec))
    local = tuple(size // reason.ways for size, reason in zip(question.shape, result.dims, strict=True))
    assert sharding.shard_shape(question.shape) == local


def resolved(
    rules: object, names: str, shape: tuple[int, ...], mesh: dict[str, int], **more: object
) -> Resolution:
    index = RuleIndex(parse_rules({"rules": rules, **more}))
    return resolve([None if name == "_" else name for name in names.split()], index, mesh, shape=shape)  # type: ignore[arg-type]


def codes(result: Resolution) -> list[tuple[str, str]]:
    return [(finding.code.code, finding.code.severity) for finding in result.findings]


MESH = {"data": 2, "tensor": 4, "one": 1}


@pytest.mark.parametrize(
    ("rules", "names", "shape", "spec", "found"),
    [
        # Table order decides, not the order of the dims.
        ({"b": "tensor", "a": {"any": ["tensor", []]}}, "a b", (8, 8), ((), ("tensor",)), []),
        # A list is one dim over several mesh axes, and goes as a whole.
        ({"a": ["data", "tensor"]}, "a", (8,), (("data", "tensor"),), []),
        ({"a": ["tensor", "data"]}, "a", (8,), (("tensor", "data"),), []),
        ({"a": "data", "b": ["data", "tensor"]}, "a b", (8, 8), (("data",), ()), ["AXR402"]),
        # ... unless the rule is partial; what it misses stays a note.
        (
            {"a": "data", "b": {"mesh": ["data", "tensor"], "partial": True}},
            *("a b", (8, 8), (("data",), ("tensor",)), ["AXR402 note"]),
        ),
        ({"a": "data", "b": {"mesh": ["data"], "partial": True}}, "a b", (8, 8), (("data",), ()), ["AXR402"]),
        # Alternatives in turn; [] ends them.
        ({"a": "data", "b": {"any": ["data", "tensor"]}}, "a b", (8, 8), (("data",), ("tensor",)), []),
        ({"a": "data", "b": {"any": ["data", [], "tensor"]}}, "a b", (8, 8), (("data",), ()), []),
        # Mesh axes of size 1 are held, and what is lost over them alone is nothing.
        ({"a": "one", "b": "one"}, "a b", (8, 8), ((), ()), []),
        ({"a": ["one", "tensor"]}, "a", (8,), (("tensor",),), []),
        ({"a": "one", "b": ["one", "tensor"]}, "a b", (8, 8), ((), ()), ["AXR402"]),
        ({"a": "one", "b": {"any": ["one", "tensor"]}}, "a b", (8, 8), ((), ("tensor",)), []),
        # Uneven splits.
        ({"a": "tensor"}, "a", (6,), ((),), ["AXR401"]),
        ({"a": {"mesh": "tensor", "uneven_split": "warn"}}, "a", (6,), ((),), ["AXR401 warning"]),
        ({"a": {"mesh": "tensor", "uneven": "replicate"}}, "a", (6,), ((),), ["AXR401 note"]),
        ({"a": {"any": ["tensor", "data"], "uneven": "next"}}, "a", (6,), (("data",),), []),
        ({"a": {"any": ["tensor", "data"], "uneven": "next"}}, "a", (5,), ((),), ["AXR401"]),
        ({"a": {"mesh": ["data", "tensor"], "uneven": "prefix"}}, "a", (6,), (("data",),), ["AXR401 note"]),
        ({"a": {"mesh": ["tensor", "data"], "uneven": "prefix"}}, "a", (6,), ((),), ["AXR401 note"]),
        (
            {"a": {"mesh": ["one", "data", "tensor"], "uneven": "prefix"}},
            "a",
            (6,),
            (("data",),),
            ["AXR401 note"],
        ),
        # A dim that stays whole leaves its mesh axes to others.
        (
            {"a": {"mesh": "tensor", "uneven": "replicate"}, "b": "tensor"},
            "a b",
            (6, 8),
            ((), ("tensor",)),
            ["AXR401 note"],
        ),
        # Nothing to cut in an empty dim, and nothing uneven about it.
        ({"a": "tensor"}, "a", (0,), (("tensor",),), []),
        ({"a": "tensor"}, "a", (1,), ((),), ["AXR401"]),
        # Names.
        ({"a": "data"}, "b", (8,), ((),), ["AXR301"]),
        ({"a": "data"}, "data", (8,), ((),), ["AXR302"]),
        ({"data": "data"}, "data", (8,), (("data",),), []),
        ({"a": "data"}, "a a", (8, 8), (("data",), ()), ["AXR304"]),
        ({"a": "data"}, "_ a _", (8, 8, 8), ((), ("data",), ()), []),
        ({"a": "data"}, "a", (8, 8), (("data",), ()), ["AXR303"]),
        ({"a": "data"}, "_ a", (8,), ((),), ["AXR303"]),
        ({"a": "data"}, "", (), (), []),
        ({"a": "data"}, "a", (), (), ["AXR303"]),
    ],
)
def test_answers(
    rules: object, names: str, shape: tuple[int, ...], spec: tuple[tuple[str, ...], ...], found: list[str]
) -> None:
    result = resolved(rules, names, shape, MESH)
    assert result.spec == spec
    wanted = [(code, rest[0] if rest else "error") for code, *rest in map(str.split, found)]
    assert codes(result) == wanted


@pytest.mark.parametrize("policy", ["error", "warn", "allow"])
@pytest.mark.parametrize(
    ("kind", "names", "shape"),
    [
        ("unknown_logical_axis", "nobody", (8,)),
        ("collision", "a b", (8, 8)),
        ("uneven_split", "a", (3,)),
        ("rank_mismatch", "a", (8, 8)),
        ("repeated_logical_axis", "a a", (8, 8)),
    ],
)
def test_policies(policy: str, kind: str, names: str, shape: tuple[int, ...]) -> None:
    result = resolved({"a": "data", "b": "data"}, names, shape, MESH, policy={kind: policy})
    severity = {"error": "error", "warn": "warning", "allow": "note"}[policy]
    assert [severity for _, severity in codes(result)] == [severity]


def test_the_bytes_that_a_fallback_costs_are_those_of_the_ways_it_lost() -> None:
    result = resolved({"a": "data", "b": ["data", "tensor"]}, "a b", (8, 8), MESH)
    assert [finding.lost_ways for finding in result.findings] == [8]
    result = resolved({"a": {"mesh": ["data", "tensor"], "uneven": "prefix"}}, "a", (6,), MESH)
    assert [finding.lost_ways for finding in result.findings] == [4]


def test_without_a_mesh_no_split_is_checked() -> None:
    index = RuleIndex(parse_rules({"rules": {"a": ["data", "tensor"]}}))
    assert resolve(["a"], index, shape=(3,)).spec == (("data", "tensor"),)


def test_the_losers_are_listed_with_numbers() -> None:
    rules = {"a": "data", "b": {"any": ["data", ["one", "tensor"], []], "uneven": "next"}}
    reason = resolved(rules, "a b", (8, 6), MESH).dims[1]
    assert [rejection.because for rejection in reason.rejected] == [Because.COLLISION, Because.UNEVEN]
    assert reason.rejected[0].detail == "`data` went to dim 0 (`a`) before"
    assert reason.rejected[1].detail == "6 is not a multiple of 4 (tensor=4)"
    assert reason.because is Because.REPLICATED


@pytest.mark.parametrize(
    ("layers", "said"),
    [(6, "split = [2, 2, 1, 1]"), (3, "there are 3 layers for 4"), (8, None)],
)
def test_layers_that_stages_do_not_divide_are_split_or_too_few(layers, said):
    table = load_rules("pipeline")
    found = resolve(["layers"], RuleIndex(table), {"data": 2, "stage": 4}, shape=(layers,)).findings
    assert [said in one.fix for one in found] == ([True] if said else [])
