"""The ledger: against collectives written by hand in JAX, theory, and the compilers' dialects."""

from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.sharding import NamedSharding, PartitionSpec

from axisrules.analysis import Ledger, Module, read_ledger, read_module, wire_bytes
from axisrules.mesh import parse_mesh
from tests.analysis.samples import entry, module, sample

SAMPLES = (("v5e_tp", "tensor=4", "tpu"), ("v5e_fsdp", "fsdp=4", "tpu"), ("h100_fsdp", "fsdp=4", "gpu"))
HIDDEN_BYTES = 256 * 512 * 2
MATRIX_BYTES = 512 * 2048 * 2


def ledger_of(name: str) -> Ledger:
    mesh, platform = next((mesh, platform) for known, mesh, platform in SAMPLES if known == name)
    return read_ledger(sample(name), parse_mesh(mesh), platform=platform)  # type: ignore[arg-type]


def by_hand(body: Callable[[jax.Array], jax.Array], out: PartitionSpec) -> Ledger:
    """The ledger of collectives written out under shard_map, on a mesh of data=2 and tensor=4."""
    mesh = jax.make_mesh((2, 4), ("data", "tensor"))
    spec = PartitionSpec("data", "tensor")
    mapped = jax.jit(jax.shard_map(body, mesh=mesh, in_specs=spec, out_specs=out, check_vma=False))
    array = jax.ShapeDtypeStruct((16, 32), jnp.float32, sharding=NamedSharding(mesh, spec))
    text = mapped.lower(array).compile().as_text()
    return read_ledger(read_module(text), parse_mesh("data=2,tensor=4"), platform="local")


SHARD_BYTES = 16 * 32 * 4 // 8


@pytest.mark.parametrize(
    ("axes", "group"),
    [(("tensor",), 4), (("data",), 2), (("data", "tensor"), 8)],
    ids=str,
)
def test_sums_written_by_hand_are_found(axes: tuple[str, ...], group: int) -> None:
    (one,) = by_hand(lambda x: jax.lax.psum(x, axes), PartitionSpec("data", "tensor"))
    assert (one.kind, one.mesh_axes, one.group_size) == ("all-reduce", axes, group)
    assert one.payload_bytes == SHARD_BYTES
    assert one.wire_bytes == 2 * SHARD_BYTES * (group - 1) // group
    assert one.network == "local"


def test_gathers_written_by_hand_are_found() -> None:
    (one,) = by_hand(
        lambda x: jax.lax.all_gather(x, "tensor", axis=1, tiled=True), PartitionSpec("data", None)
    )
    assert (one.kind, one.mesh_axes, one.shape) == ("all-gather", ("tensor",), (8, 32))
    assert one.payload_bytes == 4 * SHARD_BYTES


def test_exchanges_written_by_hand_are_found() -> None:
    (one,) = by_hand(
        lambda x: jax.lax.all_to_all(x, "data", split_axis=0, concat_axis=1, tiled=True),
        PartitionSpec("data", "tensor"),
    )
    assert (one.kind, one.mesh_axes, one.operand_count) == ("all-to-all", ("data",), 1)
    assert one.payload_bytes == SHARD_BYTES


def test_permutes_written_by_hand_are_found() -> None:
    ring = [(place, (place + 1) % 4) for place in range(4)]
    (one,) = by_hand(lambda x: jax.lax.ppermute(x, "tensor", ring), PartitionSpec("data", "tensor"))
    assert (one.kind, one.mesh_axes, one.group_size) == ("collective-permute", ("tensor",), 4)
    assert one.payload_bytes == one.wire_bytes == SHARD_BYTES
    assert one.replaces == ""


def test_loops_by_hand_multiply() -> None:
    def body(x: jax.Array) -> jax.Array:
        def layer(y: jax.Array, _: None) -> tuple[jax.Array, None]:
            return jnp.tanh(jax.lax.psum(y, "tensor")), None

        return jax.lax.scan(layer, x, None, length=9)[0]

    ledger = by_hand(body, PartitionSpec("data", "tensor"))
    assert ledger.count == 9
    assert ledger.total_bytes == 9 * SHARD_BYTES


def test_source_lines_are_the_user_s() -> None:
    (one,) = by_hand(lambda x: jax.lax.psum(x, "tensor"), PartitionSpec("data", "tensor"))
    assert one.source is not None
    assert one.source.file == __file__
    assert "psum" in Path(__file__).read_text(encoding="utf-8").splitlines()[one.source.line - 1]


def test_tensor_parallelism_sums_a_layer_once_each_way() -> None:
    ledger = ledger_of("v5e_tp")
    assert {(one.kind, one.count, one.payload_bytes) for one in ledger} == {("all-reduce", 2, HIDDEN_BYTES)}
    assert ledger.count == 4
    assert [one.direction for one in ledger] == ["forward", "backward"]
    assert {one.module_path for one in ledger} == {"Net/mlp"}
    assert {str(one.source) for one in ledger} == {"/src/train/model.py:14"}


@pytest.mark.parametrize("name", ["v5e_fsdp", "h100_fsdp"])
def test_fsdp_gathers_parameters_and_scatters_gradients(name: str) -> None:
    """`up` both ways and `down` forward, of two layers, are gathered; both gradients are scattered."""
    ledger = ledger_of(name)
    parameters = ledger.only(kind="all-gather", where=lambda one: one.payload_bytes == MATRIX_BYTES)
    assert parameters.total_bytes == 2 * 3 * MATRIX_BYTES
    assert ledger.only(kind="reduce-scatter").total_bytes == 2 * 2 * MATRIX_BYTES
    assert ledger.only(kind="reduce-scatter").count == 2
    assert ledger.only(kind="reduce-scatter", direction="backward") == ledger.only(kind="reduce-scatter")


@pytest.mark.parametrize("name", [name for name, _, _ in SAMPLES])
def test_everything_is_on_an_axis_and_at_a_line(name: str) -> None:
    for one in ledger_of(name):
        assert one.axes
        assert one.source is not None
        assert one.source.file == "/src/train/model.py"


def test_an_asynchronous_chain_of_fusions_counts_once() -> None:
    (chained,) = [one for one in ledger_of("v5e_fsdp") if one.shape == (1, 2048, 512)]
    appearances = [one for _, one in sample("v5e_fsdp").instructions() if 'chain_id="0"' in one.text]
    assert len(appearances) == 3
    assert chained.is_async
    assert chained.count == 2
    assert "AsyncCollectiveStart" in sample("v5e_fsdp").computations[chained.computation].root.text


def test_combined_operands_are_told_apart() -> None:
    combined = [one for one in ledger_of("h100_fsdp") if one.kind == "reduce-scatter"]
    assert [(one.operand, one.operand_count, one.shape) for one in combined] == [
        (0, 2, (512, 2048)),
        (1, 2, (2048, 512)),
    ]
    assert {one.instruction for one in combined} == {"reduce-scatter-start"}


WRAPPED = """
%sum (a: f32[], b: f32[]) -> f32[] {
  %a = f32[] parameter(0)
  %b = f32[] parameter(1)
  ROOT %s = f32[] add(%a, %b)
}

%wrapped (q: f32[64]) -> f32[8] {
  %q = f32[64] parameter(0)
  ROOT %scatter = f32[8] reduce-scatter(%q), channel_id=1, GROUPS, to_apply=%sum
}

ENTRY %main (p: f32[64]) -> f32[8] {
  %p = f32[64] parameter(0), metadata={op_name="jit(f)/jvp(Net)/mul"}
  %start = ((f32[64]), f32[8], s32[]) async-start(%p), calls=%wrapped, CONFIG
  ROOT %done = f32[8] async-done(%start)
}
"""
SHORT = """
ENTRY %main (p: f32[64]) -> f32[8] {
  %p = f32[64] parameter(0), metadata={op_name="jit(f)/jvp(Net)/mul"}
  %start = ((f32[64]), f32[8], s32[]) reduce-scatter-start(%p), GROUPS, to_apply=%sum, CONFIG
  ROOT %done = f32[8] reduce-scatter-done(%start)
}
"""


@pytest.mark.parametrize("is_sync", [True, False])
def test_both_spellings_of_a_wrapped_collective_give_the_same_ledger(is_sync: bool) -> None:
    groups = "replica_groups=[1,8]<=[8], dimensions={0}"
    config = f'backend_config={{"is_sync":{str(is_sync).lower()}}}'
    texts = [text.replace("GROUPS", groups).replace("CONFIG", config) for text in (WRAPPED, SHORT)]
    ledgers = [read_ledger(module(text), parse_mesh("data=8")) for text in texts]
    assert ledgers[0] == ledgers[1]
    (one,) = ledgers[0]
    assert (one.kind, one.payload_bytes, one.instruction, one.is_async) == (
        "reduce-scatter",
        256,
        "start",
        not is_sync,
    )


def transfer(target: str, kind: str) -> Module:
    body = (
        "  %p = f32[64] parameter(0)\n  %t = token[] after-all()\n"
        "  %send = (f32[64], u32[], token[]) send(%p, %t), channel_id=1, is_host_transfer=true, "
        f'frontend_attributes={{_xla_host_transfer_rendezvous="r",_xla_megascale_target={target},'
        f'_xla_megascale_transfer_type="{kind}"}}\n'
        "  ROOT %d = token[] send-done(%send)"
    )
    return entry(body, devices=4)


@pytest.mark.parametrize(
    ("target", "axes", "group"),
    [
        ('"{1,2,3,4}x{0:3}"', ["data", "fsdp[2 of 8, stride 4]"], 4),
        ("{{100000,200000},{100001,200001},{300000,400000}}", ["fsdp[2 of 8, stride 4]"], 2),
        ("{{100000,300000},{100001,300001},{200000,400000}}", ["data"], 2),
    ],
)
def test_transfers_between_slices_are_collectives_over_dcn(target: str, axes: list[str], group: int) -> None:
    mesh = parse_mesh("data=2,fsdp=8,slices:data=2,slices:fsdp=2")
    for kind, whole in (("ALL_REDUCE", 256), ("ALL_GATHER", 256 * group), ("REDUCE_SCATTER", 256)):
        read = transfer(target, kind)
        (one,) = read_ledger(read, mesh)
        assert one.kind == kind.lower().replace("_", "-")
        assert (one.network, one.payload_bytes, one.group_size) == ("dcn", whole, group)
        assert [str(part) for part in one.axes] == axes
        assert one.is_async


def reduce(groups: str, devices: int = 8) -> Module:
    body = f"  ROOT %r = f32[64] all-reduce(%p), replica_groups={groups}, to_apply=%sum"
    return entry(f"  %p = f32[64] parameter(0)\n{body}", devices)


def test_networks_follow_slices_and_islands() -> None:
    near, far = "{{0,1,2,3},{4,5,6,7}}", "{{0,4},{1,5},{2,6},{3,7}}"
    sliced = parse_mesh("data=2,tensor=4,slices:data=2")
    flat = parse_mesh("data=2,tensor=4")
    nodes = (0, 0, 0, 0, 1, 1, 1, 1)
    for groups, of_tpu, of_gpu in ((near, "ici", "nvlink"), (far, "dcn", "infiniband")):
        assert [one.network for one in read_ledger(reduce(groups), sliced)] == [of_tpu]
        gpu = read_ledger(reduce(groups), flat, platform="gpu", islands=nodes)
        assert [one.network for one in gpu] == [of_gpu]


def test_one_slice_s_program_names_the_devices_of_a_slice() -> None:
    mesh = parse_mesh("data=4,tensor=2,slices:data=2")
    (one,) = read_ledger(reduce("{{0,2},{1,3}}", devices=4), mesh)
    assert [str(part) for part in one.axes] == ["data[2 of 4, stride 1]"]
    assert one.network == "ici"


def test_a_program_for_other_devices_is_refused() -> None:
    with pytest.raises(ValueError, match="runs on 8 devices"):
        read_ledger(reduce("{}"), parse_mesh("data=6"))


def test_groups_of_one_are_left_out() -> None:
    assert not read_ledger(reduce("{{0},{1},{2},{3},{4},{5},{6},{7}}"), parse_mesh("data=8"))


def test_branches_are_marked() -> None:
    read = module(
        "%yes (q: f32[64]) -> f32[64] {\n  %q = f32[64] parameter(0)\n"
        "  ROOT %r = f32[64] all-reduce(%q), replica_groups={}, to_apply=%sum\n}\n\n"
        "%no (q: f32[64]) -> f32[64] {\n  ROOT %q = f32[64] parameter(0)\n}\n\n"
        "ENTRY %main (b: pred[], p: f32[64]) -> f32[64] {\n"
        "  %b = pred[] parameter(0)\n  %p = f32[64] parameter(1)\n"
        "  ROOT %c = f32[64] conditional(%b, %p, %p), true_computation=%yes, false_computation=%no\n}\n"
    )
    (one,) = read_ledger(read, parse_mesh("data=8"))
    assert (one.count, one.is_conditional) == (1, True)


def test_pieces_of_an_exchange_are_one_array() -> None:
    read = entry(
        "  %p = f32[8] parameter(0)\n"
        "  ROOT %x = (f32[8], f32[8]) all-to-all(%p, %p), replica_groups={{0,1},{2,3},{4,5},{6,7}}"
    )
    (one,) = read_ledger(read, parse_mesh("data=4,tensor=2"))
    assert (one.payload_bytes, one.wire_bytes, one.operand_count, one.mesh_axes) == (64, 32, 1, ("tensor",))


@given(st.integers(1, 10**6), st.integers(2, 512))
def test_wire_bytes_are_what_a_ring_sends(shard: int, group: int) -> None:
    """A device forwards every shard but its own once to gather, and once more to reduce."""
    whole = shard * group
    assert wire_bytes("all-gather", whole, group) == (group - 1) * shard
    assert wire_bytes("reduce-scatter", whole, group) == (group - 1) * shard
    assert wire_bytes("all-reduce", whole, group) == 2 * (group - 1) * shard
    assert wire_bytes("collective-permute", whole, group) == whole
