"""A tiny decoder's space, and a made-up cost of every candidate: searches need no compiler in most tests."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import optax
import pytest

import axisrules
from axisrules.analysis import CostTerm
from axisrules.mesh import parse_target
from axisrules.models import DecoderConfig, linen_decoder, next_token_loss
from axisrules.search import Scored, make_space, parse_constraints
from tests.search.costs import cost, room

CONFIG = DecoderConfig(
    vocab=512, embed=256, heads=8, kv_heads=4, head_dim=32, mlp=1024, layers=2, dtype="bfloat16"
)
TOKENS = {"inputs": "batch seq", "targets": "batch seq"}


def read(config=CONFIG, batch=16, seq=128):
    tokens = jax.ShapeDtypeStruct((batch, seq), jnp.int32)
    return axisrules.read_program(
        linen_decoder(config, axisrules.constrain),
        next_token_loss,
        dict.fromkeys(TOKENS, tokens),
        optimizer=optax.adamw(1e-3),
        batch_axes=TOKENS,
    )


@pytest.fixture(scope="session")
def program():
    return read()


@pytest.fixture(scope="session")
def experts():
    return read(replace(CONFIG, experts=4, experts_per_token=2))


@pytest.fixture(scope="session")
def space(program):
    """Meshes of data, fsdp and tensor on eight chips; remat and accumulation are free."""
    return make_space(program, parse_target("tpu:v5e:2x4"), parse_constraints(mesh="data=*,fsdp=*,tensor=*"))


@pytest.fixture(scope="session")
def made_up():
    """A scorer that makes the numbers up; `limit` is the memory of a device."""

    def scorer_of(limit=12.0):
        def scorer(_space, candidates, how, _tell):
            for one in candidates:
                rest = cost(one) - 0.1
                waits = CostTerm("ICI", ("tensor",), 0.1, 0.2)
                yield Scored(
                    one,
                    seconds=cost(one),
                    needed_bytes=int(room(one) * 1e9),
                    hbm_bytes=int(limit * 1e9),
                    terms=(
                        waits,
                        CostTerm("compute", (), rest, rest),
                    ),
                    mode=how.mode,
                )

        return scorer

    return scorer_of
