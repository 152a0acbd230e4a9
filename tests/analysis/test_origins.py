"""Where a collective's data comes from and goes to, in programs of real compilers and in small ones."""

import pytest

from axisrules.analysis import Collective, Origins, read_ledger, trace_origins
from axisrules.analysis.flow import Flow
from axisrules.mesh import parse_mesh
from tests.analysis.samples import entry, module, sample
from tests.analysis.test_collectives import ledger_of

UP, DOWN, BATCH = 0, 1, 2
LOSS = 2


def origins_of(name: str) -> list[tuple[Collective, Origins]]:
    flow = Flow(sample(name))
    return [(one, trace_origins(flow, one)) for one in ledger_of(name)]


@pytest.mark.parametrize("name", ["v5e_fsdp", "h100_fsdp"])
def test_gathered_parameters_are_traced_through_loops_fusions_and_tuples(name: str) -> None:
    gathered = [
        (one, found) for one, found in origins_of(name) if one.kind == "all-gather" and found.parameters
    ]
    assert [(one.shape[-2:], one.direction, found.parameters) for one, found in gathered] == [
        ((512, 2048), "forward", (UP,)),
        ((2048, 512), "forward", (DOWN,)),
        ((512, 2048), "backward", (UP,)),
    ]
    assert all(found.next_products for _, found in gathered)


@pytest.mark.parametrize("name", ["v5e_fsdp", "h100_fsdp"])
def test_gradients_are_traced_to_the_parameters_they_update(name: str) -> None:
    scattered = [found.results for one, found in origins_of(name) if one.kind == "reduce-scatter"]
    assert scattered == [(UP,), (DOWN,)]
    (loss,) = [found for one, found in origins_of(name) if one.kind == "all-reduce"]
    assert loss.results == (LOSS,)


def test_partial_sums_are_traced_to_the_matrices_multiplied() -> None:
    forward, backward = (found for _, found in origins_of("v5e_tp"))
    assert (forward.parameters, forward.product_parameters) == ((), (DOWN,))
    assert (backward.parameters, backward.product_parameters) == ((), (UP,))


def only_origins(body: str) -> Origins:
    read = entry(body)
    (one,) = read_ledger(read, parse_mesh("data=8"))
    return trace_origins(read, one)


def test_arithmetic_ends_the_way_back() -> None:
    gather = "  ROOT %g = f32[64] all-gather(%x), replica_groups={}, dimensions={0}"
    moved = "  %p = f32[8] parameter(0)\n  %h = bf16[8] convert(%p)\n  %x = f32[8] convert(%h)\n"
    worked = "  %p = f32[8] parameter(0)\n  %x = f32[8] exponential(%p)\n"
    assert only_origins(moved + gather).parameters == (0,)
    assert only_origins(worked + gather) == Origins(results=(0,))


def test_the_way_on_ends_where_elements_are_summed() -> None:
    body = (
        "  %p = f32[8] parameter(0)\n  %r = f32[8] all-reduce(%p), replica_groups={}, to_apply=%sum\n"
        "  %a = f32[8] multiply(%r, %p)\n  %z = f32[] constant(0)\n"
        "  %n = f32[] reduce(%r, %z), dimensions={0}, to_apply=%sum\n"
        "  ROOT %t = (f32[], f32[8]) tuple(%n, %a)"
    )
    assert only_origins(body).results == (1,)


def test_transfers_between_slices_go_on_at_the_other_end() -> None:
    read = entry(
        "  %p = f32[64] parameter(0)\n  %t = token[] after-all()\n"
        "  %s = (f32[64], u32[], token[]) send(%p, %t), channel_id=1, is_host_transfer=true, "
        'frontend_attributes={_xla_host_transfer_rendezvous="r",_xla_megascale_target="{1,2}x{0:3}",'
        '_xla_megascale_transfer_type="ALL_REDUCE"}\n  %sd = token[] send-done(%s)\n'
        "  %r = (f32[64], u32[], token[]) recv(%t), channel_id=2, is_host_transfer=true, "
        'frontend_attributes={_xla_host_transfer_rendezvous="r",_xla_megascale_transfer_type="ALL_REDUCE"}\n'
        "  %rd = (f32[64], token[]) recv-done(%r)\n  %x = f32[64] get-tuple-element(%rd), index=0\n"
        "  ROOT %n = f32[64] negate(%x)",
        devices=4,
    )
    (one,) = read_ledger(read, parse_mesh("data=2,tensor=4,slices:data=2"))
    assert trace_origins(read, one) == Origins(parameters=(0,), results=(0,))


def test_a_tuple_that_bites_its_tail_ends() -> None:
    """A loop whose state holds itself, as no compiler writes it."""
    read = module(
        "%body (s: (f32[8], f32[8])) -> (f32[8], f32[8]) {\n"
        "  %s = (f32[8], f32[8]) parameter(0)\n  %x = f32[8] get-tuple-element(%s), index=0\n"
        "  %r = f32[8] all-reduce(%x), replica_groups={}, to_apply=%sum\n"
        "  ROOT %t = (f32[8], f32[8]) tuple(%r, %s)\n}\n\n"
        "%test (s: (f32[8], f32[8])) -> pred[] {\n  %s = (f32[8], f32[8]) parameter(0)\n"
        "  ROOT %c = pred[] constant(true)\n}\n\n"
        "ENTRY %main (p: f32[8]) -> f32[8] {\n  %p = f32[8] parameter(0)\n"
        "  %t = (f32[8], f32[8]) tuple(%p, %p)\n"
        "  %w = (f32[8], f32[8]) while(%t), condition=%test, body=%body\n"
        "  ROOT %x = f32[8] get-tuple-element(%w), index=0\n}\n"
    )
    (one,) = read_ledger(read, parse_mesh("data=8"))
    assert trace_origins(read, one).results == (0,)


def test_a_collective_of_another_program_has_no_origins() -> None:
    (one, _) = ledger_of("v5e_tp")
    assert trace_origins(sample("h100_fsdp"), one) == Origins()
