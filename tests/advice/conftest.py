"""A tiny decoder, cases made by hand from its plans, and compiled advice that is kept for the session."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import optax
import pytest

import axisrules
from axisrules.advice import Case, advise
from axisrules.analysis import AxisPart, Collective, Ledger
from axisrules.evidence import LayoutEvidence
from axisrules.mesh import parse_mesh, parse_target
from axisrules.models import DecoderConfig, linen_decoder, next_token_loss
from axisrules.resolve import make_plan
from axisrules.rules import load_rules, parse_training

TOKENS = {"inputs": "batch seq", "targets": "batch seq"}
SIZES = {
    "vocab": 512, "embed": 256, "heads": 16, "kv_heads": 16, "head_dim": 16, "mlp": 1024, "layers": 4,
    "dtype": "bfloat16",
}  # fmt: skip


@pytest.fixture(scope="session")
def program():
    """`program(layers=8)`: a decoder of 16 heads, its loss, its optimizer and a batch of 16 rows."""
    known = {}

    def read(rows=16, seq=128, **sizes):
        key = (rows, seq, *sorted(sizes.items()))
        if key not in known:
            model = linen_decoder(DecoderConfig(**(SIZES | sizes)), axisrules.constrain)
            batch = dict.fromkeys(TOKENS, jax.ShapeDtypeStruct((rows, seq), jnp.int32))
            known[key] = axisrules.read_program(
                model, next_token_loss, batch, optimizer=optax.adamw(1e-3), batch_axes=TOKENS
            )
        return known[key]

    return read


def table_of(rules, **training):
    return load_rules(rules) | parse_training(training)


def over_network(*mesh_axes, network="dcn"):
    """A collective of 4 MiB over whole mesh axes and a network."""
    axes = tuple(AxisPart(axis, 2, 1, 2) for axis in mesh_axes)
    return Collective(
        kind="all-reduce", instruction="%all-reduce", computation="%main", operand=0, operand_count=1,
        count=1, payload_bytes=4 << 20, wire_bytes=4 << 20, dtype="bf16", shape=(1 << 21,), group_size=2,
        axes=axes, network=network, direction="forward", module_path="", op_name="",
    )  # fmt: skip


@pytest.fixture
def case_of(program):
    """`case_of("tp", "tensor=4")`: a case whose evidence is made by hand, and fits unless told not to."""

    def make(
        rules, mesh, target="tpu:v5e:2x2", *, slices=1, crossing=(), sizes=None, training=None, **evidence
    ):
        where = parse_target(target, slices=slices)
        spec = where.fit(parse_mesh(mesh))
        chosen = program(**(sizes or {}))
        plan = make_plan(chosen.leaves, replace(table_of(rules, **(training or {})), mesh=str(spec)), spec)
        ledger = Ledger(tuple(over_network(axis) for axis in crossing))
        facts = {"needed_bytes": 4 << 30, "hbm_bytes": 8 << 30, "step_seconds": 0.01, "ledger": ledger}
        found = LayoutEvidence(plan.rules.name, spec, where, "fast", plan=plan, **(facts | evidence))
        return Case(chosen, plan, where, found)

    return make


@pytest.fixture(scope="session")
def advice_of(program):
    """`advice_of("tp", "tensor=4")` on v5e:2x2 or another target: compiled once."""
    known = {}

    def find(rules, mesh=None, target="tpu:v5e:2x2", *, slices=1, sizes=None, **training):
        key = (rules, mesh, target, slices, str(sizes), str(training))
        if key not in known:
            where = parse_target(target, slices=slices)
            known[key] = advise(program(**(sizes or {})), table_of(rules, **training), where, mesh=mesh)
        assert known[key].base.error is None, known[key].base.error
        return known[key]

    return find


@pytest.fixture(scope="session")
def codes_of(advice_of):
    """The codes that advice fires with, and those of what was tried."""

    def find(*args, **kwargs):
        advice = advice_of(*args, **kwargs)
        return {one.code for one in advice.findings}, {one.code.code for one in advice.verdicts}

    return find
