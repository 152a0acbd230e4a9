import json

import jax
import pytest

from axisrules import wrap
from axisrules.adapters import dump_seeds, export_pytree, export_seeds, load_seeds
from tests.adapters.plain_models import SEEDS, TOKENS, linen, loss, nnx_model


@pytest.mark.parametrize("make", [linen, nnx_model])
def test_exported_seeds_name_everything_without_inference(tmp_path, make):
    wrapped = wrap(make(), loss, TOKENS, seeds=SEEDS)
    path = tmp_path / "axes.toml"
    path.write_text(dump_seeds(export_seeds(wrapped)))
    again = wrap(make(), loss, TOKENS, seeds=path)
    assert again.program.param_axes == wrapped.program.param_axes
    sources = [dim.source for array in again.inference.of_kind("params").values() for dim in array.dims]
    assert set(sources) == {"given"}


def test_layers_that_are_alike_share_a_glob():
    globs = [seed.pattern.glob for seed in export_seeds(wrap(linen(), loss, TOKENS, seeds=SEEDS)).paths]
    assert "layers_*/up/kernel" in globs
    assert not any("layers_0" in glob for glob in globs)


def test_the_tree_has_the_parameters_shape():
    wrapped = wrap(linen(), loss, TOKENS, seeds=SEEDS)
    is_names = lambda node: isinstance(node, tuple)  # noqa: E731
    ranks = jax.tree.map(len, wrapped.axes, is_leaf=is_names)
    assert ranks == jax.tree.map(lambda shape: len(shape.shape), wrapped.program.params)


def test_json_has_null_where_nothing_is_known():
    known = json.loads(export_pytree(wrap(linen(), loss, TOKENS, seeds=SEEDS)))
    unknown = json.loads(export_pytree(wrap(linen(), loss, TOKENS)))
    assert known["layers_0"]["up"]["kernel"] == ["embed", "mlp"]
    assert unknown["layers_0"]["up"]["kernel"] is None


def test_a_dump_is_small():
    seeds = load_seeds({"params": {"a": "embed"}})
    assert dump_seeds(seeds).splitlines() == ["[params]", '"a" = "embed"']
