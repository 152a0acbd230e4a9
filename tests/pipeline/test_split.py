"""Where losses are cut, and what is refused: nothing is compiled here."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest

import axisrules
from axisrules.diagnostics import AxisRulesError
from axisrules.models import DecoderConfig, linen_decoder, next_token_loss, nnx_decoder
from axisrules.pipeline import make_objective
from tests.pipeline.conftest import LinenModel, NnxModel, token_loss


def cut(partition, program, mesh="stage=2,data=2"):
    """The cut of a program's loss."""
    partitioner = partition(program, mesh, schedule="1f1b", microbatches=2)
    return make_objective(program, partitioner.plan, partitioner.mesh).whole[1]


@pytest.mark.parametrize("build", [linen_decoder, nnx_decoder])
def test_the_decoders_layers_are_found(partition, build):
    config = DecoderConfig(vocab=16, embed=8, heads=2, kv_heads=2, head_dim=4, mlp=8, layers=4)
    tokens = jax.ShapeDtypeStruct((8, 4), "int32")
    batch = dict.fromkeys(("inputs", "targets"), tokens)
    model = build(config, axisrules.constrain)
    program = axisrules.read_program(
        model, next_token_loss, batch, batch_axes=dict.fromkeys(batch, "batch seq")
    )
    found = cut(partition, program)
    assert found.trace.loop.length == 4
    assert len(found.stacked) == 9, "one for each of a layer's nine arrays"
    assert len(found.statics) == 3, "embedding, last norm and head"
    assert len(found.sums) == 1
    assert found.extras == found.collected == ()


def test_weights_of_tokens_are_no_sum_of_the_head(partition, read):
    """They are known before the pipeline starts: the loss divides by them."""
    found = cut(partition, read())
    assert len(found.sums) == 2, "of the losses and of the hits"


def test_auxiliary_losses_travel(partition, read):
    found = cut(partition, read(LinenModel(aux=True)))
    assert len(found.collected) == 1
    assert found.are_means


def test_counts_of_nnx_go_on_as_they_are(partition, read):
    assert cut(partition, read(partial(NnxModel, dropout=0.5))).fresh


LOSSES = {
    "log": lambda x: jnp.log(jnp.mean(x**2)),
    "max": jnp.max,
    "centred": lambda x: jnp.mean((x - jnp.mean(x, axis=0)) ** 2),
    "product": lambda x: jnp.mean(x) * jnp.sum(x),
    "metric": lambda x: (jnp.mean(x), {"top": jnp.max(x)}),
    "rows against rows": lambda x: jnp.mean(jax.nn.logsumexp(x[:, 0] @ x[:, 0].T, axis=1)),
    "the next row": lambda x: jnp.sum(x[1:] * x[:-1]),
}


@pytest.mark.parametrize("name", LOSSES)
def test_what_is_no_sum_over_rows_is_refused(partition, read, name):
    with pytest.raises(AxisRulesError) as caught:
        cut(partition, read(loss=lambda model, batch: LOSSES[name](model(batch["inputs"])[0])))
    assert [d.code for d in caught.value.diagnostics] == ["AXR756"]
    assert "test_split.py" in str(caught.value.diagnostics[0].origin)


class Normed(nn.Module):
    """Batch statistics beside the layers."""

    @nn.compact
    def __call__(self, tokens):
        x, aux = LinenModel(name="inner")(tokens)
        seen = self.variable("stats", "mean", jnp.zeros, ())
        seen.value = jnp.mean(x)
        return x, aux


def test_statistics_of_the_batch_are_refused(partition, read):
    with pytest.raises(AxisRulesError) as caught:
        cut(partition, read(Normed()))
    assert [d.code for d in caught.value.diagnostics] == ["AXR759"]


class Twice(nn.Module):
    """Two stacks of layers."""

    @nn.compact
    def __call__(self, tokens):
        x, _ = LinenModel(name="first")(tokens)
        return LinenModel(name="second")(x.argmax(-1))


class Listed(nn.Module):
    """Layers whose weights have a dim of layers that nothing goes over."""

    @nn.compact
    def __call__(self, tokens):
        init = nn.with_logical_partitioning(nn.initializers.normal(), ("layers", "embed"))
        weights = self.param("weights", init, (4, 8))
        x = jax.nn.one_hot(tokens, 8)
        for at in range(4):
            x = jnp.tanh(x * weights[at])
        return x, 0.0


@pytest.mark.parametrize("model", [Twice, Listed])
def test_a_model_without_one_loop_of_layers_is_refused(partition, read, model):
    def loss(model, batch):
        return jnp.mean(model(batch["inputs"])[0] ** 2)

    with pytest.raises(AxisRulesError) as caught:
        cut(partition, read(model(), loss=loss))
    assert [d.code for d in caught.value.diagnostics] == ["AXR755"]


def test_a_loss_may_penalise_weights(partition, read):
    def loss(model, batch):
        scalar, metrics = token_loss(model, batch)
        return scalar + 1e-3 * jnp.sum(model.head[...] ** 2), metrics

    assert cut(partition, read(NnxModel, loss=loss)).sums
