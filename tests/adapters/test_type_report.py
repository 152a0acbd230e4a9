import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from flax import nnx

from axisrules import constrain
from axisrules.adapters import typecheck
from axisrules.models import DecoderConfig, linen_decoder, next_token_loss, nnx_decoder

TOKENS = {name: jax.ShapeDtypeStruct((4, 8), jnp.int32) for name in ("inputs", "targets")}
AXES = dict.fromkeys(TOKENS, "batch seq")
CONFIG = DecoderConfig(vocab=96, embed=32, heads=4, kv_heads=2, head_dim=8, mlp=64, layers=2)
BATCH = {"inputs": np.ones((16, 32), np.float32)}


def squares(model, batch):
    return jnp.mean(model(batch["inputs"]) ** 2)


class Model(nn.Module):
    up: tuple = ("embed", "mlp")
    down: tuple = ("mlp", "embed")
    hidden: str = "batch mlp"

    @nn.compact
    def __call__(self, x):
        normal = nn.initializers.normal(0.1)
        up = self.param("up", nn.with_logical_partitioning(normal, self.up), (32, 64))
        down = self.param("down", nn.with_logical_partitioning(normal, self.down), (64, 32))
        return constrain(x @ up, self.hidden) @ down + x


def findings(model, loss=squares, batch=BATCH, batch_axes=None):
    return typecheck(model, loss, batch, batch_axes=batch_axes).findings


@pytest.mark.parametrize("experts", [0, 4])
@pytest.mark.parametrize("build", [linen_decoder, nnx_decoder])
def test_no_false_alarm_on_the_built_in_decoder(build, experts):
    config = DecoderConfig(
        vocab=96, embed=32, heads=4, kv_heads=2, head_dim=8, mlp=64, layers=2, experts=experts
    )
    assert findings(build(config, constrain), next_token_loss, TOKENS, AXES) == ()


def test_annotations_that_agree():
    report = typecheck(Model(), squares, BATCH)
    assert report.findings == ()
    assert report.annotated == 4  # two kernels, a constraint and the batch


@pytest.mark.parametrize(
    ("model", "culprit", "met"),
    [
        (Model(down=("embed", "mlp")), "params:down", "dot_general"),
        (Model(up=("embed", "heads")), "params:up", "one dim"),
        (Model(hidden="batch embed"), "boundaries:test_type_report.py", "one dim"),
    ],
)
def test_a_contradiction_names_the_culprit_and_where_the_names_meet(model, culprit, met):
    found = findings(model)
    assert {finding.code for finding in found} == {"AXR322"}
    assert culprit in found[0].subject
    assert met in found[0].why


def test_a_wrong_rank():
    found = findings(Model(up=("embed",)))
    assert "AXR303" in {finding.code for finding in found}


def test_an_nnx_model_s_metadata_is_checked_too():
    class Pair(nnx.Module):
        def __init__(self, rngs):
            up = nnx.with_partitioning(nnx.initializers.normal(), ("embed", "mlp"))
            down = nnx.with_partitioning(nnx.initializers.normal(), ("embed", "mlp"))
            self.up = nnx.Linear(32, 64, kernel_init=up, use_bias=False, rngs=rngs)
            self.down = nnx.Linear(64, 32, kernel_init=down, use_bias=False, rngs=rngs)

        def __call__(self, x):
            return self.down(self.up(x))

    assert {finding.code for finding in findings(Pair)} == {"AXR322"}
