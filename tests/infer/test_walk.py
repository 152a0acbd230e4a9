"""What every primitive says of dims: a table of small functions, and how control flow is walked through."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.sharding import PartitionSpec

from axisrules.infer import Seed, infer, trace

NHWC = ("NHWC", "HWIO", "NHWC")


def shape(*sizes, dtype=jnp.float32):
    return jax.ShapeDtypeStruct(sizes, dtype)


X, SQUARE, IMAGE = shape(4, 6), shape(5, 5), shape(2, 8, 9, 3)
INDEX = shape(7, 3, dtype=jnp.int32)


def results(function, *operands, alphabets=("abcd", "pqrs")):
    """The strong names of what `function` gives, where its operands have dims a, b, ... and p, q, ..."""
    arguments = {f"operand {at}": operand for at, operand in enumerate(operands)}
    seeds = [
        Seed(kind, "", tuple(alphabet[: len(operand.shape)]))
        for (kind, operand), alphabet in zip(arguments.items(), alphabets, strict=False)
        if alphabet
    ]
    found = infer(trace(function, arguments), seeds, roles=False)
    assert found.opaque == ()
    return ["".join(name or "." for name in array.sure_names) for array in found.of_kind("outputs").values()]


def branches(x):
    return lax.cond(x.sum() > 0, jnp.sin, lambda y: -y, x)


def count_down(x):
    return lax.while_loop(lambda carry: carry[0] > 0, lambda carry: (carry[0] - 1, carry[1] * 2), (3, x))[1]


def in_place(x):
    kept = jax.new_ref(x)
    kept[...] = kept[...] * 2
    return kept[...]


ONE_OPERAND = {
    "elementwise": (lambda x: jnp.exp(x) + 1, X, ["ab"]),
    "a scalar broadcasts": (lambda x: x * x.sum(), X, ["ab"]),
    "a dim of size 1 broadcasts": (lambda x: x - x.mean(1, keepdims=True), X, ["ab"]),
    "reduction": (lambda x: (x.max(0), x.argmin(1)), X, ["b", "a"]),
    "cumulative": (lambda x: jnp.cumsum(x, 1), X, ["ab"]),
    "transpose": (lambda x: x.T, X, ["ba"]),
    "expand and squeeze": (lambda x: x[:, None].squeeze(1), X, ["ab"]),
    "reverse": (lambda x: x[::-1], X, ["ab"]),
    "sort": (lambda x: (jnp.sort(x), jnp.argsort(x, 0)), X, ["ab", "ab"]),
    "top_k": (lambda x: lax.top_k(x, 2), X, ["a.", "a."]),
    "dot": (lambda x: x @ x.T, X, ["a."]),
    "batched dot": (lambda x: jnp.einsum("bij,bik->bjk", x, x), shape(2, 3, 4), ["ac."]),
    "slice": (lambda x: x[1:3], X, [".b"]),
    "pad": (lambda x: jnp.pad(x, ((0, 0), (1, 2))), X, ["a."]),
    "concatenate": (lambda x: jnp.concatenate([x, x], 1), X, ["a."]),
    "split": (lambda x: jnp.split(x, 3, 1), X, ["a."] * 3),
    "stack": (lambda x: jnp.stack([x, x], 1), X, ["a.b"]),
    "unstack": (lambda x: (*x,), X, ["b"] * 4),
    "repeat and sum back": (lambda x: jnp.repeat(x, 3, 1).reshape(4, 6, 3).sum(2), X, ["ab"]),
    "tile and sum back": (lambda x: jnp.tile(x, (1, 3)).reshape(4, 3, 6).sum(1), X, ["ab"]),
    "merge and split": (lambda x: x.reshape(24).reshape(4, 6), X, ["ab"]),
    "split and merge": (lambda x: jnp.sin(x.reshape(2, 2, 6)).reshape(4, 6), X, ["ab"]),
    "merge other dims": (lambda x: x.reshape(6, 4), X, [".."]),
    "whole dynamic slice": (lambda x: lax.dynamic_slice_in_dim(x, 1, 2, 0), X, [".b"]),
    "dynamic update": (lambda x: lax.dynamic_update_slice(x, x[:1], (1, 0)), X, ["ab"]),
    "pooling": (
        lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 1, 1), (1, 2, 1, 1), "VALID"),
        IMAGE,
        ["a.cd"],
    ),
    "scan": (lambda x: lax.scan(lambda c, row: (c + row, c * row), x[0], x), X, ["b", "ab"]),
    "map": (lambda x: lax.map(jnp.sin, x), X, ["ab"]),
    "while": (count_down, X, ["ab"]),
    "cond": (branches, X, ["ab"]),
    "jit": (jax.jit(jnp.sin), X, ["ab"]),
    "remat": (jax.checkpoint(jnp.sin), X, ["ab"]),
    "custom derivative": (jax.nn.relu, X, ["ab"]),
    "gradient": (jax.grad(lambda x: (jnp.sin(x) @ x.T).sum()), X, ["ab"]),
    "vmap": (jax.vmap(lambda row: row / row.sum()), X, ["ab"]),
    "mutable array": (in_place, X, ["ab"]),
    "no elements": (lambda x: x.reshape(0, 3).T, shape(3, 0), [".."]),
}


@pytest.mark.parametrize(("function", "operand", "names"), ONE_OPERAND.values(), ids=ONE_OPERAND)
def test_a_primitive_says_where_dims_go(function, operand, names):
    assert results(function, operand) == names


TWO_OPERANDS = {
    "rows by index": (lambda x, index: x[index], X, INDEX, "..b", "pq."),
    "entries by index": (lambda x, index: jnp.take_along_axis(x, index, 1), shape(7, 9), INDEX, "a.", "pq"),
    "scatter rows": (lambda x, index: x.at[index].add(1.0), X, INDEX, "ab", ".."),
    "scatter updates": (lambda x, index: (u := x[index], x.at[index].set(u))[0], X, INDEX, "..b", "pq."),
    "one-hot": (lambda x, index: jax.nn.one_hot(index, 4) @ x, X, INDEX, "..b", "pq."),
    "convolution": (
        lambda x, kernel: lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=NHWC),
        IMAGE,
        shape(3, 3, 3, 5),
        "a...",
        "...s",
    ),
    "convolution by a window of 1": (
        lambda x, kernel: lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=NHWC),
        IMAGE,
        shape(1, 1, 3, 5),
        "abc.",
        "...s",
    ),
    "einsum": (lambda x, y: jnp.einsum("ij,kj->ik", x, y), X, shape(3, 6), "a.", ".p"),
}


@pytest.mark.parametrize(
    ("function", "first", "second", "from_first", "from_second"), TWO_OPERANDS.values(), ids=TWO_OPERANDS
)
def test_two_operands_meet(function, first, second, from_first, from_second):
    assert results(function, first, second, alphabets=("abcd", "")) == [from_first]
    assert results(function, first, second, alphabets=("", "pqrs")) == [from_second]


def test_depthwise_features_stay_what_they_are():
    def depthwise(x, kernel):
        return lax.conv_general_dilated(
            x, kernel, (1, 1), "SAME", dimension_numbers=NHWC, feature_group_count=3
        )

    assert results(depthwise, IMAGE, shape(3, 3, 1, 3), alphabets=("abcd", "")) == ["a..d"]


OPAQUE = {
    "fft": (lambda x: jnp.fft.fft(x * 2), X),
    "cholesky": (lambda x: lax.linalg.cholesky(x * 2), SQUARE),
    "eigh": (lambda x: lax.linalg.eigh(x * 2), SQUARE),
    "pure_callback": (lambda x: jax.pure_callback(np.sin, x, x), X),
    "ragged_dot_general": (lambda x: lax.ragged_dot(x, jnp.ones((2, 6, 3)), jnp.array([1, 3])), X),
}


@pytest.mark.parametrize(("function", "operand"), OPAQUE.values(), ids=OPAQUE)
def test_what_is_not_seen_through_is_told_and_no_failure(request, function, operand):
    found = infer(trace(function, {"x": operand}), [Seed("x", "", ("a", "b"))])
    (opaque,) = found.opaque
    assert opaque.primitive == request.node.callspec.id
    assert opaque.count == 1
    assert opaque.source.rpartition(":")[0] == __file__
    assert all(names.names == (None,) * len(names.shape) for names in found.of_kind("outputs").values())


@pytest.mark.parametrize("is_ordered", [False, True])
def test_a_side_effect_is_told_and_changes_no_name(is_ordered):
    def printed(x):
        jax.debug.print("{}", x, ordered=is_ordered)
        return x

    found = infer(trace(jax.jit(printed), {"x": X}), [Seed("x", "", ("a", "b"))])
    (effect,) = found.opaque
    assert (effect.source.rpartition(":")[0], effect.is_ordered) == (__file__, is_ordered)
    assert found.array("outputs", "").names == ("a", "b")


def test_shard_map_is_opaque():
    mesh = jax.make_mesh((1,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    spec = PartitionSpec("data", None)
    inner = jax.shard_map(lambda x: lax.psum(x, "data"), mesh=mesh, in_specs=spec, out_specs=PartitionSpec())
    found = infer(trace(inner, {"x": X}), [Seed("x", "", ("a", "b"))])
    assert [opaque.primitive for opaque in found.opaque] == ["shard_map"]


def test_a_primitive_that_is_misread_is_opaque(monkeypatch):
    from axisrules.infer import walk

    def misreads(record, equation, ins):
        return [ins[0][:1]]

    def knows_other_parameters(record, equation, ins):
        return [equation.params["renamed since"]]

    for rule in (misreads, knows_other_parameters):
        monkeypatch.setitem(walk.RULES, "sin", rule)
        found = infer(trace(jnp.sin, {"x": X}))
        assert [opaque.primitive for opaque in found.opaque] == ["sin"]
