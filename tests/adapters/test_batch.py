from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from axisrules.adapters.batch import read_batch
from axisrules.diagnostics import AxisRulesError

TOKENS = np.zeros((8, 16), np.int64)


def test_the_first_dim_is_named_batch_by_default() -> None:
    shapes, axes = read_batch({"tokens": TOKENS, "weight": np.float64(1.0), "mask": jnp.ones(8, bool)}, None)
    assert axes == {"mask": ("batch",), "tokens": ("batch", None), "weight": ()}
    assert shapes["tokens"] == jax.ShapeDtypeStruct((8, 16), "int32")  # as jit sees it
    assert shapes["weight"] == jax.ShapeDtypeStruct((), "float32")


@pytest.mark.parametrize("names", ["batch seq", ("batch", "seq"), ["batch", "seq"]])
def test_axes_are_strings_or_tuples_in_the_same_tree(names: Any) -> None:
    assert read_batch((TOKENS, {"x": TOKENS}), (names, {"x": "batch _"}))[1] == {
        "0": ("batch", "seq"),
        "1/x": ("batch", None),
    }
    assert read_batch(TOKENS, names)[1] == {"": ("batch", "seq")}


def test_shapes_alone_will_do() -> None:
    spec = jax.ShapeDtypeStruct((8, 4), jnp.bfloat16)
    assert read_batch([spec], None)[0] == [spec]
    assert read_batch(np.zeros((2, 3), jnp.bfloat16), None)[0] == jax.ShapeDtypeStruct((2, 3), "bfloat16")
    assert read_batch(jax.random.key(0), None)[0].dtype == jax.random.key(0).dtype


@pytest.mark.parametrize(
    "leaf",
    [
        "text",
        3,
        2.5,
        object(),
        np.array(["a"]),
        np.array([None]),
        np.zeros(2, "datetime64[s]"),
        np.zeros(2, "i4,f4"),
    ],
)
def test_a_leaf_that_is_no_array_is_refused_by_name(leaf: Any) -> None:
    with pytest.raises(AxisRulesError) as caught:
        read_batch({"tokens": TOKENS, "bad": [leaf]}, None)
    assert [(d.code, d.subject) for d in caught.value.diagnostics] == [("AXR502", "batch:bad/0")]


@pytest.mark.parametrize(
    "axes",
    [
        {},
        {"x": "batch seq"},
        {"tokens": "batch seq", "more": "batch"},
        "batch seq",
        ["batch seq"],
        {"tokens": {"a": "b"}},
    ],
)
def test_axes_of_another_structure_are_refused(axes: Any) -> None:
    with pytest.raises(AxisRulesError) as caught:
        read_batch({"tokens": [TOKENS, TOKENS]}, axes)
    assert [d.code for d in caught.value.diagnostics] == ["AXR502"]


@pytest.mark.parametrize("names", ["batch s\u0435q", ("batch", 1), ("batch ", "seq"), 5])
def test_a_name_that_is_none_is_refused(names: Any) -> None:
    with pytest.raises(AxisRulesError) as caught:
        read_batch({"tokens": TOKENS}, {"tokens": names})
    assert [(d.code, d.subject) for d in caught.value.diagnostics] == [("AXR306", "batch:tokens")]


def test_a_batch_that_holds_itself_is_refused() -> None:
    batch: dict[str, Any] = {}
    batch["again"] = batch
    with pytest.raises(AxisRulesError) as caught:
        read_batch(batch, None)
    assert caught.value.diagnostics[0].code == "AXR308"
    assert jax.tree.leaves({"a": TOKENS}) == [TOKENS]
