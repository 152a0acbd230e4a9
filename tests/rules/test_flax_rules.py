"""An imported Flax rule list gives Flax's own answer for every array, errors included."""

import random
from collections.abc import Sequence
from functools import cache

import flax.linen as nn
import pytest
from jax.sharding import PartitionSpec

from axisrules.diagnostics import AxisRulesError
from axisrules.resolve import RuleIndex, resolve
from axisrules.rules import dump_rules, from_flax_rules
from axisrules.rules.toml_file import rules_from_toml

PAIRS = 10_000
LOGICAL_AXES = ("batch", "seq", "embed", "heads", "kv.heads", "mlp", "x", "X", "_norm", "expert/in")
# Some names are both: the two kinds of axis must never be confused.
MESH_AXES = ("data", "fsdp", "tensor", "embed", "x", "stage")
UNRULED = ("nobody", "embed_", "Batch")

FlaxRules = list[tuple[str, str | tuple[str, ...] | None]]
Names = tuple[str | None, ...]
Answer = tuple[tuple[str, ...], ...] | str


def random_rules(rng: random.Random) -> FlaxRules:
    def target() -> str | tuple[str, ...] | None:
        shape = rng.random()
        if shape < 0.15:
            return None
        if shape < 0.6:
            return rng.choice(MESH_AXES)
        return tuple(rng.sample(MESH_AXES, rng.randint(0, 4)))

    known = rng.sample(LOGICAL_AXES, rng.randint(1, len(LOGICAL_AXES)))
    return [(rng.choice(known), target()) for _ in range(rng.randint(1, 14))]


def random_names(rng: random.Random) -> Names:
    pool: tuple[str | None, ...] = (*LOGICAL_AXES, *LOGICAL_AXES, *UNRULED, None, None)
    if rng.random() < 0.1:
        return tuple(rng.choices(pool, k=rng.randint(0, 6)))
    names = dict.fromkeys(rng.sample(pool, rng.randint(0, 6)))
    return (*names, *[None] * rng.randint(0, 2))


def flax_answer(rules: FlaxRules, names: Names) -> Answer:
    try:
        spec = nn.logical_to_mesh_axes(names, rules)
    except ValueError:
        return "error"
    assert spec is not None
    return normal(spec)


def normal(spec: PartitionSpec) -> Answer:
    """None, "data" and ("data",) as tuples of mesh axes."""
    return tuple(() if axes is None else (axes,) if isinstance(axes, str) else tuple(axes) for axes in spec)


def our_answer(rules: FlaxRules, names: Names) -> Answer:
    answer = resolve(names, RuleIndex(from_flax_rules(rules)))
    codes = {finding.code.code for finding in answer.findings if finding.code.severity == "error"}
    assert codes <= {"AXR304"}
    return "error" if codes else answer.spec


@cache
def pairs() -> list[tuple[FlaxRules, Names]]:
    rng = random.Random(20_240_229)
    return [(random_rules(rng), random_names(rng)) for _ in range(PAIRS)]


def test_ten_thousand_random_pairs_get_the_answer_of_flax() -> None:
    differences = [
        (rules, names, theirs, ours)
        for rules, names in pairs()
        if (theirs := flax_answer(rules, names)) != (ours := our_answer(rules, names))
    ]
    assert differences == []


def test_the_pairs_are_worth_their_number() -> None:
    """Errors, repeated names, lost rules and tuples all occur often."""
    answers = [flax_answer(rules, names) for rules, names in pairs()]
    assert answers.count("error") > 200
    assert sum(any(len(axes) > 1 for axes in answer) for answer in answers if answer != "error") > 1000
    assert len(set(answers)) > 1000


def test_a_table_dumped_and_read_again_still_answers_as_flax_does() -> None:
    for rules, names in pairs()[:300]:
        table = rules_from_toml(dump_rules(from_flax_rules(rules)), file="dumped.toml")
        answer = resolve(names, RuleIndex(table))
        if flax_answer(rules, names) != "error":
            assert answer.spec == flax_answer(rules, names)


def test_without_names_there_is_nothing_to_answer() -> None:
    assert nn.logical_to_mesh_axes((), [("batch", "data")]) == PartitionSpec()
    assert resolve((), RuleIndex(from_flax_rules([("batch", "data")]))).spec == ()


def test_what_jax_would_refuse_later_is_refused_here() -> None:
    """Flax hands `("data", "data")` on, and NamedSharding raises once there is an array."""
    with pytest.raises(AxisRulesError) as caught:
        from_flax_rules([("batch", ("data", "data"))])
    assert [d.code for d in caught.value.diagnostics] == ["AXR108"]


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        (None, "AXR104"),
        ({"batch": "data"}, "AXR104"),
        ("batch", "AXR104"),
        ([], "AXR107"),
        ([("batch",)], "AXR104"),
        (["batch"], "AXR104"),
        ([("batch", "data", "more")], "AXR104"),
        ([("batch", 3)], "AXR104"),
        ([(3, "data")], "AXR105"),
        ([("batch", "da ta")], "AXR106"),
        ([("batch", ("data", None))], "AXR106"),
    ],
)
def test_what_is_no_rule_list_is_refused(rules: Sequence[tuple[str, object]], code: str) -> None:
    with pytest.raises(AxisRulesError) as caught:
        from_flax_rules(rules)
    assert [d.code for d in caught.value.diagnostics] == [code]
