"""Memory from the buffer assignment, against what the same compiler reports of the same program."""

from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from axisrules.analysis import read_memory

TPU = """BufferAssignment:
allocation 0: size 512, thread-local:
 value: <2 reduce_sum.2 @0> (size=512,offset=0): f32[]{:T(128)}
allocation 1: size 16384, parameter 2, shape |f32[8000,512]| at ShapeIndex {}, maybe-live-out:
 value: <3384 param.8 @0> (size=16384,offset=0): f32[8000,512]{1,0:T(8,128)}
allocation 2: size 4096, parameter 0, shape |s32[16,64]| at ShapeIndex {}:
allocation 3: size 256, output shape is |(f32[8000,512], f32[])|, maybe-live-out:
allocation 4: size 1024, constant:
allocation 5: size 144, color 2, preallocated-temp:
allocation 6: size 1048576, color 1, preallocated-temp:
allocation 7: size 70000, preallocated-temp:
allocation 8: size 9000, color 5, preallocated-temp:

Total bytes used: 1149992 (1.10MiB)
"""


def test_the_sums_of_a_tpu_program() -> None:
    memory = read_memory(TPU)
    assert memory.argument_bytes == 16384 + 4096
    assert memory.alias_bytes == 16384
    assert memory.output_bytes == 16384 + 256
    assert memory.constant_bytes == 1024
    assert memory.temp_bytes == 70000 + 512
    assert memory.total_bytes == 512 + 16384 + 4096 + 256 + 1024 + 70000
    assert memory.host_bytes == 9000
    assert memory.parameter_bytes == {2: 16384, 0: 4096}
    assert dict(memory.spaces) == {0: memory.total_bytes, 1: 1048576, 2: 144, 5: 9000}
    assert memory.to_json()["total_bytes"] == memory.total_bytes


def test_all_spaces_of_a_gpu_but_the_host_s_are_its_memory() -> None:
    memory = read_memory(TPU, platform="gpu")
    assert memory.total_bytes == read_memory(TPU).total_bytes + 1048576 + 144


def test_what_jax_compiles_here_takes_what_jax_reports(tmp_path: Path) -> None:
    def step(w: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        value, gradient = jax.value_and_grad(lambda v: (jnp.tanh(x @ v) @ v.T).sum())(w)
        return w - gradient, value

    arrays = jax.ShapeDtypeStruct((64, 32), jnp.float32), jax.ShapeDtypeStruct((16, 64), jnp.float32)
    options = {"xla_dump_to": str(tmp_path), "xla_dump_hlo_as_text": True}
    compiled = jax.jit(step, donate_argnums=0).lower(*arrays).compile(compiler_options=options)
    (dump,) = tmp_path.glob("*buffer-assignment.txt")
    memory, reported = (
        read_memory(dump.read_text(encoding="utf-8"), platform="local"),
        compiled.memory_analysis(),
    )
    assert memory.argument_bytes == reported.argument_size_in_bytes
    assert memory.output_bytes == reported.output_size_in_bytes
    assert memory.alias_bytes == reported.alias_size_in_bytes
    # The newest JAX also reports the compiler's own sum, on a CPU without the few bytes of reducers.
    total = getattr(reported, "total_allocation_bytes", memory.total_bytes)
    assert memory.total_bytes == pytest.approx(total, rel=1e-3)


def test_text_without_allocations_is_refused() -> None:
    with pytest.raises(ValueError, match="no buffer assignment"):
        read_memory("HloModule jit_step\n")
