import io
import json

import pytest
from rich.console import Console

from axisrules.mesh import known_chips, load_chip, parse_target
from axisrules.report import TargetsTable
from axisrules.report.targets import example_target

CHIPS = tuple(known_chips().values())


@pytest.mark.parametrize("chip", CHIPS, ids=lambda chip: chip.name)
def test_the_target_that_is_shown_for_a_chip_exists(chip):
    assert parse_target(example_target(chip)).chip == chip


@pytest.mark.parametrize("width", [60, 100, 200])
def test_every_chip_is_listed_within_the_width(width):
    file = io.StringIO()
    Console(file=file, width=width, highlight=False, markup=False).print(TargetsTable(CHIPS))
    shown = file.getvalue()
    assert max(map(len, shown.splitlines())) <= width
    for chip in CHIPS:
        assert chip.name in shown
        assert example_target(chip) in shown


def test_figures_that_nobody_publishes_are_marked():
    v5e = next(
        line for line in str(TargetsTable(CHIPS)).splitlines() if line.startswith("v5e ") and "GB/s" in line
    )
    assert "197 TFLOP/s" in v5e
    assert "15.75 GiB *" in v5e
    assert "819 GB/s *" not in v5e


def test_a_chips_own_list_has_every_figure_with_its_source():
    chip = load_chip("v5p")
    shown = str(TargetsTable((chip,), is_whole=True))
    for figure in chip.figures:
        assert figure.name.replace("_", " ") in shown
        assert figure.source in shown
        assert figure.basis in shown


def test_json_has_every_figure_in_base_units():
    facts = json.loads(json.dumps(TargetsTable(CHIPS).to_json()))
    assert [chip["name"] for chip in facts["chips"]] == [chip.name for chip in CHIPS]
    v5e = next(chip for chip in facts["chips"] if chip["name"] == "v5e")
    by_name = {figure["name"]: figure for figure in v5e["figures"]}
    assert by_name["matmul_bf16"]["value"] == 197e12
    assert by_name["matmul_bf16"]["source"].startswith("http")
    assert list(v5e) == [
        "name", "platform", "example", "devices_per_chip", "links", "largest", "listed", "memory_bytes",
        "source", "figures",
    ]  # fmt: skip
