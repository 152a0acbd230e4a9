"""A tiny decoder's evidence on described hardware: compiled once for all tests of a session."""

import jax
import jax.numpy as jnp
import optax
import pytest

import axisrules
from axisrules.evidence import compare
from axisrules.models import DecoderConfig, linen_decoder, next_token_loss, nnx_decoder

CONFIG = DecoderConfig(
    vocab=512, embed=256, heads=8, kv_heads=8, head_dim=32, mlp=1024, layers=2, dtype="bfloat16"
)
TOKENS = {"inputs": "batch seq", "targets": "batch seq"}


@pytest.fixture(scope="session")
def program():
    """`program("nnx")`: the tiny decoder, its loss, its optimizer and its batch."""

    def read(api="linen"):
        build = linen_decoder if api == "linen" else nnx_decoder
        tokens = jax.ShapeDtypeStruct((16, 128), jnp.int32)
        batch = dict.fromkeys(TOKENS, tokens)
        model = build(CONFIG, axisrules.constrain)
        return axisrules.read_program(
            model, next_token_loss, batch, optimizer=optax.adamw(1e-3), batch_axes=TOKENS
        )

    return read


@pytest.fixture(scope="session")
def evidence_of(program):
    """`evidence_of("fsdp_tp", "fsdp=2,tensor=4")` on v5e:2x4, or on another target; kept for the session."""
    known = {}

    def find(rules, mesh, target="tpu:v5e:2x4", api="linen"):
        key = (str(rules), mesh, target, api)
        if key not in known:
            known[key] = compare(program(api), [rules], [target], mesh=mesh).rows[0]
        assert known[key].error is None, known[key].error
        return known[key]

    return find
