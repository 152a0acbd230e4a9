"""Annotations against the computation: mutants are caught, models as they are written are not."""

from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from axisrules.infer import Place, Seed, infer, name_axes, trace, unify
from tests.infer.test_roles import INPUT, TOKENS, decoder


def shape(*sizes):
    return jax.ShapeDtypeStruct(sizes, jnp.float32)


def seeds_of(annotations):
    return [INPUT, *(Seed("params", path, names, "model") for path, names in annotations.items())]


@pytest.mark.parametrize("experts", [{}, {"experts": 5, "experts_per_token": 2}], ids=["dense", "experts"])
def test_a_wrong_annotation_is_found_and_a_right_one_is_not(experts):
    apply, params, truth = decoder(**experts)
    graph = unify(trace(apply, {"params": params, "inputs": TOKENS}))
    assert name_axes(graph, seeds_of(truth)).contradictions == ()
    words = sorted({name for names in truth.values() for name in names})
    tried = caught = 0
    for path, names in truth.items():
        for dim, other in (
            (dim, other) for dim in range(len(names)) for other in words if other not in names
        ):
            mutant = {**truth, path: (*names[:dim], other, *names[dim + 1 :])}
            found = name_axes(graph, seeds_of(mutant)).contradictions
            suspects = [suspect for one in found[:1] for suspect in one.suspects[:3]]
            tried += 1
            caught += (path, dim) in {(suspect.place.path, suspect.dim) for suspect in suspects}
    assert tried > 100
    assert caught >= 0.95 * tried


def test_the_operation_and_its_line_are_told():
    def network(params, x):
        return (x @ params["up"]) @ params["down"]

    traced = trace(network, {"params": {"up": shape(6, 10), "down": shape(10, 3)}, "inputs": shape(2, 6)})
    names = {"up": ("embed", "mlp"), "down": ("embed", "out")}
    (found,) = infer(traced, [Seed("params", path, axes) for path, axes in names.items()]).contradictions
    assert (found.kind, found.primitive) == ("two_names", "dot_general")
    file, _, line = found.source.rpartition(":")
    assert file == __file__
    assert "@ params" in Path(file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
    assert {(suspect.place.path, suspect.dim) for suspect in found.suspects} == {("up", 1), ("down", 0)}


def test_swapped_names_are_found():
    apply, params, truth = decoder()
    graph = unify(trace(apply, {"params": params, "inputs": TOKENS}))
    for path, names in truth.items():
        if len(names) > 1:
            swapped = {**truth, path: (*names[:-2], names[-1], names[-2])}
            found = name_axes(graph, seeds_of(swapped)).contradictions
            assert path in [suspect.place.path for suspect in found[0].suspects[:3]]


def test_a_rank_that_does_not_fit_is_told():
    traced = trace(lambda p: p["kernel"], {"params": {"kernel": shape(2, 3)}})
    (found,) = infer(traced, [Seed("params", "kernel", ("embed",), "seeds.toml:3")]).contradictions
    assert found.kind == "rank"
    (suspect,) = found.suspects
    assert (suspect.place, suspect.dim, suspect.origin) == (Place("params", "kernel"), None, "seeds.toml:3")


def test_a_name_twice_in_one_array_is_told():
    traced = trace(lambda p: p["kernel"], {"params": {"kernel": shape(3, 3)}})
    (found,) = infer(traced, [Seed("params", "kernel", ("embed", "embed"))]).contradictions
    assert (found.kind, found.names) == ("one_name", ("embed",))


def masked_attention(params, x, mask):
    query, key = x @ params["query"], x @ params["key"]
    scores = jnp.where(mask, jnp.einsum("bqd,bkd->bqk", query, key), -1e9)
    return jax.nn.softmax(scores) @ x


def test_the_two_names_of_a_mask_are_aliases():
    shapes = {"query": shape(6, 4), "key": shape(6, 4)}
    mask = jax.ShapeDtypeStruct((2, 5, 5), jnp.bool_)
    traced = trace(masked_attention, {"params": shapes, "inputs": shape(2, 5, 6), "mask": mask})
    seeds = [Seed("inputs", "", ("batch", "seq", "embed")), Seed("mask", "", ("batch", "seq", "kv_seq"))]
    found = infer(traced, seeds)
    assert found.contradictions == ()
    assert found.aliases == (("kv_seq", "seq"),)
    assert found.array("outputs", "").names[:2] == ("batch", "seq")


def test_a_second_name_used_steadily_is_an_alias_and_a_single_one_is_not():
    def network(params, x):
        for layer in ("first", "second"):
            x = x + jnp.tanh(x * params[layer]["scale"]) @ params[layer]["in"] @ params[layer]["out"]
        return x

    layer = {"scale": shape(6), "in": shape(6, 8), "out": shape(8, 6)}
    traced = trace(network, {"params": {"first": layer, "second": layer}, "inputs": shape(2, 6)})
    kernels = [Seed("params", "*/in", ("embed", "mlp")), Seed("params", "*/out", ("mlp", "embed"))]
    steady = infer(traced, [*kernels, Seed("params", "*/scale", ("norm",))])
    assert (steady.contradictions, steady.aliases) == ((), (("embed", "norm"),))
    (found,) = infer(traced, [*kernels, Seed("params", "first/scale", ("norm",))]).contradictions
    assert found.suspects[0].place.path == "first/scale"
