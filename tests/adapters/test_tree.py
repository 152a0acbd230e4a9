"""Trees that would take JAX, or the interpreter, down are found first."""

import collections
import time
from typing import Any

import jax
import numpy as np
import pytest

from axisrules.adapters.tree import MAX_DEPTH, check_tree
from axisrules.diagnostics import AxisRulesError


def nested(depth: int, kind: Any = lambda inner: {"a": inner}) -> Any:
    tree: Any = np.zeros(2)
    for _ in range(depth):
        tree = kind(tree)
    return tree


def refused(tree: Any) -> str:
    with pytest.raises(AxisRulesError) as caught:
        check_tree(tree, "the batch")
    (found,) = caught.value.diagnostics
    assert found.code == "AXR308"
    assert found.subject.startswith("the batch, at ")
    return found.why


KINDS = [
    lambda inner: {"a": inner},
    lambda inner: [inner],
    lambda inner: (1, inner),
    lambda inner: collections.OrderedDict(a=inner),
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_tree_may_nest_256_deep(kind: Any) -> None:
    check_tree(nested(MAX_DEPTH, kind), "the batch")
    assert "deeper than 256" in refused(nested(MAX_DEPTH + 1, kind))
    assert "deeper than 256" in refused(nested(1_000_000, kind))


def test_a_shared_part_counts_with_its_own_depth() -> None:
    part = nested(MAX_DEPTH - 1)
    check_tree([part, part], "the batch")
    assert "deeper" in refused([part, [part]])


def test_a_tree_that_holds_itself_is_refused() -> None:
    direct: list[Any] = []
    direct.append(direct)
    assert "holds itself" in refused(direct)
    outer: dict[str, Any] = {"x": np.zeros(2), "inner": [{}]}
    outer["inner"][0]["back"] = outer
    assert "holds itself" in refused(outer)


def test_a_node_that_makes_new_children_for_ever_is_refused() -> None:
    @jax.tree_util.register_pytree_node_class
    class Endless:
        def tree_flatten(self) -> Any:
            return (Endless(),), None

        @classmethod
        def tree_unflatten(cls, *_: Any) -> "Endless":
            return cls()

    assert "deeper" in refused(Endless())


def test_a_part_that_is_shared_over_and_over_does_not_hang() -> None:
    tree: Any = np.zeros(2)
    for _ in range(200):
        tree = [tree, tree]
    started = time.perf_counter()
    assert "leaves" in refused(tree)
    assert time.perf_counter() - started < 5.0


def test_keys_that_cannot_be_sorted_are_refused() -> None:
    refused({1: np.zeros(2), "a": np.zeros(2)})


def test_the_place_is_named() -> None:
    cycle: dict[str, Any] = {}
    cycle["again"] = cycle
    with pytest.raises(AxisRulesError) as caught:
        check_tree({"inputs": [np.zeros(2), cycle]}, "the batch")
    assert caught.value.diagnostics[0].subject == "the batch, at inputs/1/again"


def test_ordinary_trees_pass() -> None:
    shared = np.zeros(2)
    check_tree({"a": [shared, shared, None, ()], "b": (1.0, {"c": shared})}, "the batch")
    check_tree(shared, "the batch")
    check_tree(None, "the batch")
