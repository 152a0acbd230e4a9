"""Targets as machines: where devices are, which links close a ring, what a device does in a second."""

from dataclasses import dataclass

import pytest

from axisrules.analysis import Place, Switch, Torus, describe_machine
from axisrules.mesh import known_chips, load_chip, parse_target


@dataclass(frozen=True)
class Somewhere:
    coords: tuple[int, ...]
    core: int = 0
    island: int = 0


def torus_of(text: str, places=()) -> Torus:
    inside = describe_machine(parse_target(text), places).interconnect.inside
    assert isinstance(inside, Torus)
    return inside


@pytest.mark.parametrize(
    ("target", "sizes", "wraps"),
    [
        ("tpu:v5e:2x4", (2, 4), (False, False)),
        ("tpu:v5e:8x16", (8, 16), (False, True)),
        ("tpu:v5e:16x16", (16, 16), (True, True)),
        ("tpu:v5p:2x2x2", (2, 2, 2), (False, False, False)),
        ("tpu:v5p:4x4x8", (4, 4, 8), (True, True, True)),
    ],
)
def test_the_torus(target: str, sizes: tuple[int, ...], wraps: tuple[bool, ...]) -> None:
    torus = torus_of(target)
    assert (torus.sizes, torus.wraps) == (sizes, wraps)


def test_coordinates_may_count_the_dims_in_another_order() -> None:
    places = [Somewhere((x, y, 0)) for y in range(8) for x in range(16)]
    torus = torus_of("tpu:v5e:8x16", places)
    assert (torus.sizes, torus.wraps) == ((16, 8), (True, False))


def test_places_count_through_cores_chips_and_slices() -> None:
    machine = describe_machine(parse_target("tpu:tpu7x:2x2x1", slices=2))
    places = machine.interconnect.places
    assert len(places) == 16
    assert places[:3] == (Place(0, (0, 0, 0), 0), Place(0, (0, 0, 0), 1), Place(0, (0, 1, 0), 0))
    assert places[8].island == 1
    assert machine.interconnect.cores_per_chip == 2


def test_gpus_reach_each_other_through_a_switch() -> None:
    machine = describe_machine(parse_target("gpu:h100:2x8"))
    assert machine.interconnect.inside == Switch(450e9, load_chip("h100").link_seconds)
    assert [place.island for place in machine.interconnect.places] == [0] * 8 + [1] * 8
    assert machine.rates.clock_hertz == 0.0  # the GPU compiler counts no cycles


@pytest.mark.parametrize("name", known_chips())
def test_devices_of_a_chip_share_what_it_has(name: str) -> None:
    chip = load_chip(name)
    shape = chip.shapes.listed[-1]
    rates = describe_machine(parse_target(f"{chip.platform}:{name}:{shape}")).rates
    assert rates.bf16_flops_per_second * chip.devices == chip.bf16_flops_per_second
    assert rates.memory_bytes_per_second * chip.devices == chip.memory_bytes_per_second
    assert rates.precise_flops_per_second <= rates.f32_flops_per_second <= rates.bf16_flops_per_second
