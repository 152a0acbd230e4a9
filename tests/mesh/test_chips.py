"""The chip file: every figure has a source and is plausible beside what compilers accept."""

from urllib.parse import urlparse

import pytest

from axisrules.diagnostics import AxisRulesError
from axisrules.mesh import known_chips, load_chip

# GiB that a TPU compiler accepts for one chip, as its out-of-memory errors say. A maker's figure lies
# within a tenth of it, whichever gigabyte the maker means.
COMPILER_LIMITS = {"v4": 30.75, "v5e": 15.75, "v5p": 95.74, "v6e": 31.25, "tpu7x": 2 * 94.75}


@pytest.mark.parametrize("name", known_chips())
def test_every_figure_has_a_public_source(name):
    chip = load_chip(name)
    assert chip.name == name
    assert urlparse(chip.source).scheme == "https"
    assert urlparse(chip.source).path != "/"


@pytest.mark.parametrize("name", known_chips())
def test_every_number_says_where_it_comes_from(name):
    for figure in load_chip(name).figures:
        assert figure.value > 0, figure
        if figure.basis in ("published", "derived"):
            assert urlparse(figure.source).scheme == "https", figure
        if figure.basis in ("derived", "assumed"):
            assert figure.note, figure


@pytest.mark.parametrize("name", known_chips())
def test_what_a_cost_needs_is_there_and_plausible(name):
    chip = load_chip(name)
    assert 1e14 < chip.bf16_flops_per_second < 1e16
    assert chip.bf16_flops_per_second <= chip.int8_flops_per_second <= 2.01 * chip.bf16_flops_per_second
    assert chip.vector_flops_per_second < chip.f32_flops_per_second < chip.bf16_flops_per_second
    # FLOPs a byte of memory at which a product is bound by neither: a few hundred on every chip there is.
    assert 100 < chip.bf16_flops_per_second / chip.memory_bytes_per_second < 700
    assert chip.network_bytes_per_second < chip.link_bytes_per_second < chip.memory_bytes_per_second
    assert 0 < chip.link_seconds < chip.network_seconds < 1e-3
    assert 0 < chip.launch_seconds < chip.network_seconds
    assert 0 < chip.unfused_share <= chip.vector_share <= 1
    assert 1e9 < chip.clock_hertz < 3e9
    assert chip.links > 0
    assert chip.compile_limit_bytes * chip.devices <= 1.1 * chip.memory_bytes


@pytest.mark.parametrize("name", COMPILER_LIMITS)
def test_the_limit_is_the_compilers(name):
    chip = load_chip(name)
    assert chip.compile_limit_bytes * chip.devices == int(COMPILER_LIMITS[name] * 2**30)


@pytest.mark.parametrize("name", COMPILER_LIMITS)
def test_memory_is_what_the_compiler_accepts_or_less(name):
    assert 0.9 < load_chip(name).memory_bytes / (COMPILER_LIMITS[name] * 2**30) < 1.05


def test_an_unknown_chip_is_answered_with_the_near_one():
    with pytest.raises(AxisRulesError) as caught:
        load_chip("v5pp")
    assert [d.code for d in caught.value.diagnostics] == ["AXR210"]
    assert "`v5p`" in caught.value.diagnostics[0].fix
