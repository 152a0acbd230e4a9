"""Shapes and their bytes, against JAX's own dtypes and shapes."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.analysis import read_shape
from axisrules.analysis.shape import bits_of, split_level

DTYPES = {
    "bf16": jnp.bfloat16, "f16": jnp.float16, "f32": jnp.float32, "f64": np.float64, "s8": jnp.int8,
    "s32": jnp.int32, "u8": jnp.uint8, "u32": jnp.uint32, "pred": jnp.bool_, "c64": jnp.complex64,
    "f8e4m3fn": jnp.float8_e4m3fn, "f8e5m2": jnp.float8_e5m2,
}  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_are_those_of_the_dtype(dtype: str) -> None:
    assert bits_of(dtype) == 8 * np.dtype(DTYPES[dtype]).itemsize


@given(st.sampled_from(sorted(DTYPES)), st.lists(st.integers(1, 7), max_size=4))
def test_bytes_are_those_of_the_array(dtype: str, dims: list[int]) -> None:
    shape = read_shape(f"{dtype}[{','.join(map(str, dims))}]")
    assert shape.byte_size == np.zeros(dims, DTYPES[dtype]).nbytes
    assert shape.dims == tuple(dims)
    assert read_shape(str(shape)) == shape


def test_layouts_and_memory_spaces_are_read() -> None:
    shape = read_shape("bf16[2,1024,2,64]{1,3,2,0:T(8,128)(2,1)S(1)}")
    assert shape.minor_to_major == (1, 3, 2, 0)
    assert shape.memory_space == 1
    assert read_shape("s32[]{:T(128)S(6)}").memory_space == 6


def test_a_tuple_is_the_sum_of_its_elements() -> None:
    shape = read_shape("((f32[4]{0}, bf16[8]{0:T(8,128)}), /*index=1*/u32[]{:S(2)}, token[])")
    assert [str(array) for array in shape.arrays] == ["f32[4]", "bf16[8]", "u32[]", "token[]"]
    assert shape.byte_size == 16 + 16 + 4
    assert str(shape) == "((f32[4], bf16[8]), u32[], token[])"


def test_half_bytes_are_rounded_up() -> None:
    assert read_shape("s4[3]").byte_size == 2
    assert read_shape("f32[<=8,2]").dims == (8, 2)


def test_text_that_is_no_shape_is_an_empty_tuple() -> None:
    assert read_shape("{nothing}").byte_size == 0


def test_separators_inside_brackets_and_quotes_do_not_split() -> None:
    text = 'a={1,2}, name="x, y(", f(b, c), /*index=5*/last'
    assert split_level(text) == ("a={1,2}", 'name="x, y("', "f(b, c)", "last")
    assert split_level("a/f(b/c)/d", "/") == ("a", "f(b/c)", "d")
