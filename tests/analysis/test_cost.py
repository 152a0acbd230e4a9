"""The estimate of a step: its terms, by hand, and the laws that hold for any machine."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.analysis import (
    AxisPart,
    Between,
    Collective,
    Interconnect,
    Ledger,
    Machine,
    Place,
    StepEstimate,
    Torus,
    estimate_step,
)
from axisrules.analysis.cost import groups_along
from axisrules.mesh import parse_mesh
from tests.analysis.programs import RATES, program

MESH = parse_mesh("data=2,tensor=2")
PLACES = tuple(Place(coords=(x, y)) for x in (0, 1) for y in (0, 1))
MACHINE = Machine(RATES, Interconnect(Torus((2, 2), (False, False), 1e9, 0.0), Between(1e8, 0.0), PLACES))

ENTRY = """  %p0 = bf16[1000,1000] parameter(0)
  %s = (bf16[500,1000], bf16[1000,1000]) all-gather-start(%p0), dimensions={0}
  %y = bf16[1000,1000] dot(%p0, %p0), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  %d = bf16[1000,1000] all-gather-done(%s)
  %q = bf16[1000,1000] collective-permute(%d), source_target_pairs={{0,2},{2,0},{1,3},{3,1}}
  ROOT %r = bf16[1000,1000] all-reduce(%q), to_apply=%add"""


def collective(kind: str, instruction: str, mesh_axis: str, network: str = "ici") -> Collective:
    return Collective(
        kind=kind, instruction=instruction, computation="main", operand=0, operand_count=1, count=1,
        payload_bytes=2_000_000, wire_bytes=1_000_000, dtype="bf16", shape=(1000, 1000), group_size=2,
        axes=(AxisPart(mesh_axis, 2, 1, 2),), network=network, direction="forward", module_path="",
        op_name="",
    )  # fmt: skip


LEDGER = Ledger(
    (
        collective("all-gather", "s", "tensor"),
        collective("collective-permute", "q", "data"),
        collective("all-reduce", "r", "data"),
    )
)


def estimate(machine: Machine = MACHINE) -> StepEstimate:
    return estimate_step(program(ENTRY), LEDGER, MESH, machine)


def test_every_term_by_hand() -> None:
    found = estimate()
    # The dot reads and writes 6 MB at 1 GB/s, longer than its 2e9 FLOPs take; the all-gather hides beside it.
    assert found.seconds_of("HBM") == pytest.approx(6e-3)
    assert found.seconds_of("ICI", "tensor") == 0.0
    # Over `data`: the permute moves 2 MB over one link, the all-reduce half of 2 MB twice.
    assert found.seconds_of("ICI", "data") == pytest.approx(2e-3 + 2e-3)
    assert found.seconds == pytest.approx(10e-3)
    assert found.communication_share == pytest.approx(0.4)
    assert found.flops == 2e9
    assert found.mfu() == pytest.approx(2e9 / 1e12 / 10e-3)
    assert found.mfu(1e9) == pytest.approx(found.mfu() / 2)
    assert not found.uses_compiler_cycles


def test_what_overlaps_is_shown() -> None:
    hidden = next(term for term in estimate().terms if "tensor" in term.mesh_axes)
    assert (hidden.seconds, hidden.busy_seconds) == (0.0, pytest.approx(1e-3))
    assert hidden.overlapped_seconds == pytest.approx(1e-3)
    assert str(hidden) == "ICI tensor"


def test_the_terms_sum_to_the_step_and_go_to_json() -> None:
    found = estimate()
    facts = found.to_json()
    assert facts["step_seconds"] == pytest.approx(sum(term["seconds"] for term in facts["terms"]))
    assert [term["resource"] for term in facts["terms"]] == ["HBM", "ICI", "ICI"]


def test_a_slice_further_away_costs_the_slower_network() -> None:
    places = tuple(Place(island, (x, 0)) for island in (0, 1) for x in (0, 1))
    apart = replace(MACHINE, interconnect=replace(MACHINE.interconnect, places=places))
    ledger = Ledger((collective("all-reduce", "r", "data", "dcn"),))
    found = estimate_step(program(ENTRY), ledger, MESH, apart)
    assert found.seconds_of("DCN", "data") == pytest.approx(2 * 1e6 / 1e8)


RATE_NAMES = ("bf16_flops_per_second", "vector_ops_per_second", "memory_bytes_per_second")


@given(st.sampled_from(RATE_NAMES), st.floats(1.0, 100.0), st.floats(1.0, 100.0))
def test_a_faster_machine_is_never_slower(rate: str, factor: float, links: float) -> None:
    torus = replace(MACHINE.interconnect.inside, link_bytes_per_second=1e9 * links)
    faster = Machine(
        replace(RATES, **{rate: getattr(RATES, rate) * factor}), replace(MACHINE.interconnect, inside=torus)
    )
    assert estimate(faster).seconds <= estimate().seconds + 1e-12


def axes_of_parts(sizes: dict[str, int]):
    return st.lists(st.sampled_from(sorted(sizes)), unique=True, max_size=len(sizes))


@given(axes_of_parts({"a": 2, "b": 4, "c": 3}))
def test_groups_along_whole_axes_are_those_of_brute_force(names: list[str]) -> None:
    mesh = parse_mesh("a=2,b=4,c=3")
    groups = groups_along(
        tuple(AxisPart(name, size, 1, size) for name, size in mesh.sizes if name in names), mesh
    )
    place = [(a, b, c) for a in range(2) for b in range(4) for c in range(3)]
    kept = [index for index, (name, _) in enumerate(mesh.sizes) if name not in names]
    for one in range(24):
        together = next(group for group in groups if one in group)
        for other in range(24):
            agree = all(place[one][index] == place[other][index] for index in kept)
            assert (other in together) == agree


def test_groups_along_a_part_of_an_axis() -> None:
    mesh = parse_mesh("a=8")
    assert groups_along((AxisPart("a", 2, 1, 8),), mesh) == ((0, 1), (2, 3), (4, 5), (6, 7))
    assert groups_along((AxisPart("a", 2, 4, 8),), mesh) == ((0, 4), (1, 5), (2, 6), (3, 7))
    assert groups_along((AxisPart("a", 2, 4, 8), AxisPart("a", 2, 1, 8)), mesh) == (
        (0, 1, 4, 5),
        (2, 3, 6, 7),
    )
