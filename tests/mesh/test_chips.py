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


@pytest.mark.parametrize("name", COMPILER_LIMITS)
def test_memory_is_what_the_compiler_accepts_or_less(name):
    assert 0.9 < load_chip(name).memory_bytes / (COMPILER_LIMITS[name] * 2**30) < 1.05


def test_an_unknown_chip_is_answered_with_the_near_one():
    with pytest.raises(AxisRulesError) as caught:
        load_chip("v5pp")
    assert [d.code for d in caught.value.diagnostics] == ["AXR210"]
    assert "`v5p`" in caught.value.diagnostics[0].fix
