"""FLOPs against XLA's own count for single operations, and against theory for whole training steps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axisrules.analysis import count_flops, instruction_flops, read_module
from tests.analysis.samples import entry, module, sample


def judged(function: object, *arrays: jax.ShapeDtypeStruct) -> tuple[int, float]:
    """Our FLOPs of a function, and XLA's, before it optimizes anything."""
    lowered = jax.jit(function).lower(*arrays)  # type: ignore[arg-type]
    text = lowered.compiler_ir("hlo").as_hlo_text()
    return count_flops(read_module(text)), lowered.cost_analysis().get("flops", 0)


@settings(max_examples=8)
@given(st.lists(st.integers(1, 5), min_size=4, max_size=4))
def test_dots_cost_what_xla_says(sizes: list[int]) -> None:
    batch, rows, inner, columns = sizes
    left = jax.ShapeDtypeStruct((batch, rows, inner), jnp.float32)
    right = jax.ShapeDtypeStruct((batch, columns, inner), jnp.float32)
    ours, xla = judged(lambda a, b: jnp.einsum("bri,bci->brc", a, b), left, right)
    assert ours == xla


@settings(max_examples=20)
@given(
    size=st.integers(4, 9),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    pads=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    dilations=st.tuples(st.integers(1, 3), st.integers(1, 2)),
    groups=st.integers(1, 2),
)
def test_convolutions_cost_what_xla_says(
    size: int, kernel: int, stride: int, pads: tuple[int, int], dilations: tuple[int, int], groups: int
) -> None:
    def convolve(x: jax.Array, w: jax.Array) -> jax.Array:
        return jax.lax.conv_general_dilated(
            x,
            w,
            (stride, 1),
            [pads, (1, 1)],
            lhs_dilation=(dilations[0], 1),
            rhs_dilation=(dilations[1], 1),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=groups,
        )

    x = jax.ShapeDtypeStruct((2, size, 3, 4), jnp.float32)
    w = jax.ShapeDtypeStruct((kernel, 2, 4 // groups, 6), jnp.float32)
    if (size - 1) * dilations[0] + 1 + sum(pads) < (kernel - 1) * dilations[1] + 1:
        return  # no output at all
    ours, xla = judged(convolve, x, w)
    assert ours == xla


@pytest.mark.parametrize("layers", [1, 2, 80])
def test_scanned_layers_cost_their_theory(layers: int) -> None:
    def loss(w: jax.Array, x: jax.Array) -> jax.Array:
        return jax.lax.scan(lambda h, one: (jnp.tanh(h @ one), None), x, w)[0].sum()

    w, x = jax.ShapeDtypeStruct((layers, 32, 32), jnp.float32), jax.ShapeDtypeStruct((16, 32), jnp.float32)
    text = jax.jit(jax.grad(loss, argnums=(0, 1))).lower(w, x).compile().as_text()
    assert count_flops(read_module(text)) == layers * 3 * 2 * 16 * 32 * 32


@pytest.mark.parametrize("name", ["v5e_tp", "v5e_fsdp", "h100_fsdp"])
def test_a_step_costs_its_theory_on_every_target(name: str) -> None:
    """Two layers of two matrices, 256 rows, forward and twice backward, shared by four devices."""
    products = 2 * 2 * 3
    assert count_flops(sample(name)) == products * 2 * 256 * 512 * 2048 // 4


def test_a_fusion_costs_what_it_fuses() -> None:
    read = sample("v5e_tp")
    whole = 0
    for computation, one in read.instructions():
        if one.opcode == "fusion" and not computation.name.startswith("fused"):
            whole += 2 * instruction_flops(read, computation, one)  # two layers
    assert whole == count_flops(read)


def test_matrix_products_of_gpu_libraries_count() -> None:
    read = entry(
        "  %a = f8e4m3fn[64,32] parameter(0)\n  %b = f8e4m3fn[16,32] parameter(1)\n"
        "  ROOT %c = (f32[64,16], s8[4194304]) custom-call(%a, %b), "
        'custom_call_target="__cublas$lt$matmul$f8", '
        'backend_config={"gemm_backend_config":{"dot_dimension_numbers":{"lhs_contracting_dimensions":["1"]}}}'
    )
    assert count_flops(read) == 2 * 64 * 16 * 32


def test_other_operations_cost_none() -> None:
    read = module(
        "ENTRY %main (p: f32[8]) -> f32[8] {\n  %p = f32[8] parameter(0)\n"
        '  %c = f32[8] custom-call(%p), custom_call_target="TopK"\n  ROOT %a = f32[8] add(%p, %c)\n}\n'
    )
    assert count_flops(read) == 0


@pytest.mark.parametrize("heads", [16, 2**20])
def test_a_dot_as_a_convolution_of_dilated_batch_dims(heads: int) -> None:
    """Batch dims as spatial dims whose dilation lets each position meet its own partner alone.

    Of so many positions that to try each pair of them would take days.
    """
    batch, rows, inner, columns = 2, 5, 7, 3
    read = entry(
        f"  %a = f32[{batch},{heads},{rows},{inner}] parameter(0)\n"
        f"  %b = f32[{batch},{heads},{inner},{columns}] parameter(1)\n"
        f"  ROOT %c = f32[{batch},{heads},{rows},{columns}] convolution(%a, %b), "
        f"window={{size=2x{heads} stride=1x{heads - 1} lhs_dilate=2x{heads}}}, dim_labels=01bf_01io->01bf"
    )
    expected = 2 * np.prod([batch, heads, rows, inner, columns])
    assert count_flops(read) == expected
