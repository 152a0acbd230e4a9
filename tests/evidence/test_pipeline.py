"""A layout's pipeline in numbers, and advice on it: given where its numbers say so, and nowhere else."""

import jax
import jax.numpy as jnp
import optax
import pytest

import axisrules
from axisrules.evidence import check_pipeline, find_pipeline
from axisrules.mesh import parse_mesh
from axisrules.models import DecoderConfig, linen_decoder, next_token_loss
from axisrules.partition import described_partitioner
from axisrules.rules import load_rules, parse_training

TOKENS = {"inputs": "batch seq", "targets": "batch seq"}


def program_of(layers=8, vocab=64, batch=64, seq=64):
    config = DecoderConfig(vocab=vocab, embed=32, heads=2, kv_heads=2, head_dim=16, mlp=64, layers=layers)
    shapes = dict.fromkeys(TOKENS, jax.ShapeDtypeStruct((batch, seq), jnp.int32))
    model = linen_decoder(config, axisrules.constrain)
    return axisrules.read_program(
        model, next_token_loss, shapes, optimizer=optax.adamw(1e-3), batch_axes=TOKENS
    )


def found_in(program, mesh="data=2,stage=4", rules="pipeline", **training):
    table = load_rules(rules) | parse_training(training)
    return find_pipeline(described_partitioner(program, table, parse_mesh(mesh)))


def codes(program, mesh="data=2,stage=4", rules="pipeline", **training):
    table = load_rules(rules) | parse_training(training)
    return [found.code for found in check_pipeline(program, table, parse_mesh(mesh))]


def test_the_numbers_of_a_pipeline():
    facts = found_in(program_of(), microbatches=8).facts
    assert (facts.schedule, facts.stages, facts.microbatches, facts.repeats) == ("1f1b", 4, 8, 1)
    assert facts.split == (2, 2, 2, 2)
    assert facts.microbatch_rows == 64 // 2 // 8
    assert facts.ticks == 2 * (8 + 4 - 1)
    assert facts.bubble >= 3 / 11


def test_there_is_none_without_a_schedule_or_on_one_stage():
    assert found_in(program_of(), "fsdp=8", "fsdp") is None
    assert codes(program_of(), "fsdp=8", "fsdp") == []


def test_a_good_pipeline_gets_no_advice():
    assert codes(program_of(), microbatches=16) == []


@pytest.mark.parametrize(
    ("training", "size", "expected"),
    [
        ({"microbatches": 4}, {}, ["AXR760"]),
        ({"microbatches": 16}, {"seq": 32}, ["AXR763"]),
        ({"microbatches": 32, "split": [3, 2, 2, 1]}, {"seq": 128}, ["AXR760", "AXR764"]),
        ({"microbatches": 5}, {}, ["AXR753"]),
        ({}, {"layers": 6}, ["AXR401"]),
        ({"split": [2, 2, 2, 1]}, {}, ["AXR752"]),
    ],
)
def test_what_is_wrong_or_worth_changing(training, size, expected):
    found = codes(program_of(**size), **training)
    assert sorted(set(found)) == expected


def test_a_head_that_cannot_be_shared_is_said():
    program = program_of(vocab=4096)
    (alone,) = found_in(program, microbatches=16).advice()
    assert "multiple of the 4 stages" in alone.fix
    assert not found_in(program, microbatches=16).facts.is_head_spread
    assert found_in(program, microbatches=8).facts.is_head_spread
    for shared in found_in(program, microbatches=8).advice():
        assert "multiple" not in shared.fix


def test_a_pipeline_where_the_model_fits_without():
    found = found_in(program_of(), microbatches=16)
    whole = found.bytes_without_stages
    one = found_in(program_of(), "data=2,stage=1", microbatches=16)
    assert sum(one.plan.bytes_per_device(kind) for kind in ("params", "gradients", "optimizer")) == whole
    assert [one.code for one in found.advice(2 * whole + 1)] == ["AXR761"]
    assert list(found.advice(2 * whole)) == []


def test_the_stages_of_a_device_are_counted():
    facts = found_in(program_of(), schedule="interleaved", repeats=2, microbatches=16).facts
    assert facts.split == (1,) * 8
    assert facts.ticks == 2 * (16 * 2 + 4 - 1)


@pytest.mark.slow
def test_a_compiled_pipeline_turns_as_the_schedule_says_and_sends_for_its_rules(evidence_of):
    evidence = evidence_of("3d_sp", "data=2,tensor=2,stage=2")
    sent = evidence.ledger.only(kind="collective-permute", mesh_axis="stage")
    assert {one.loops[-1].trip_count for one in sent} == set(evidence.pipeline.trips)
    assert all(one.logical_axes == ("layers",) for one in sent)
    table = load_rules("3d_sp")
    lines = {str(rule.origin) for rule in table.rules if rule.logical_axis == "layers"}
    assert all(lines | {str(table.pipeline.origin)} == set(one.rules) for one in sent)
    codes = [finding.code for finding in evidence.findings]
    assert "AXR712" not in codes, "data that microbatches move is moved for rules"
    assert "AXR761" in codes, "it would fit without"
