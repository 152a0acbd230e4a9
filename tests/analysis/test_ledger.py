"""Laws of the ledger: filters and groups partition it, sums add up."""

import json
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from axisrules.analysis import AxisPart, Collective, Ledger, SourceLine
from axisrules.axes import MeshAxis

PARTS = tuple(AxisPart(MeshAxis(name), ways, 1, 4) for name in ("data", "tensor") for ways in (2, 4))
KEYS = (
    "kind",
    "mesh_axes",
    "network",
    "direction",
    "module_path",
    "source",
    "dtype",
    "logical_axes",
    "rules",
)

COLLECTIVES = st.builds(
    Collective,
    kind=st.sampled_from(("all-reduce", "all-gather")),
    instruction=st.sampled_from(("one", "two", "three")),
    computation=st.just("main"),
    operand=st.integers(0, 2),
    operand_count=st.just(3),
    count=st.just(5),
    payload_bytes=st.integers(0, 1000),
    wire_bytes=st.integers(0, 1000),
    dtype=st.sampled_from(("f32", "bf16")),
    shape=st.just((2, 3)),
    group_size=st.just(4),
    axes=st.lists(st.sampled_from(PARTS), max_size=2).map(tuple),
    network=st.sampled_from(("ici", "dcn")),
    direction=st.sampled_from(("forward", "backward", "update")),
    module_path=st.sampled_from(("", "Net", "Net/layers/mlp", "Net/layers/attention")),
    op_name=st.just("jit(f)/mul"),
    source=st.sampled_from((None, SourceLine("model.py", 3, "block"))),
)
LEDGERS = st.lists(COLLECTIVES, max_size=8).map(lambda rows: Ledger(tuple(rows)))


@given(LEDGERS, st.sampled_from(KEYS), st.sampled_from(KEYS))
def test_groups_partition_a_ledger(ledger: Ledger, first: str, second: str) -> None:
    groups = ledger.group_by(first, second)  # type: ignore[arg-type]
    assert sum(len(group) for group in groups.values()) == len(ledger)
    assert sum(group.total_bytes for group in groups.values()) == ledger.total_bytes
    assert sum(group.wire_bytes for group in groups.values()) == ledger.wire_bytes
    assert {one for group in groups.values() for one in group} == set(ledger)
    wires = [group.wire_bytes for group in groups.values()]
    assert wires == sorted(wires, reverse=True)


FILTERS: list[tuple[dict[str, str], Callable[[Collective], bool]]] = [
    ({"kind": "all-gather"}, lambda one: one.kind == "all-gather"),
    ({"network": "dcn"}, lambda one: one.network == "dcn"),
    ({"direction": "update"}, lambda one: one.direction == "update"),
    ({"mesh_axis": "tensor"}, lambda one: any(part.mesh_axis == "tensor" for part in one.axes)),
    ({"module_path": "Net/*"}, lambda one: one.module_path.startswith("Net/")),
    ({"module_path": "layers/mlp"}, lambda one: one.module_path == "Net/layers/mlp"),
]


@given(LEDGERS, st.sampled_from(FILTERS))
def test_filters_keep_what_they_say(
    ledger: Ledger, case: tuple[dict[str, str], Callable[[Collective], bool]]
) -> None:
    conditions, holds = case
    kept = ledger.only(**conditions)  # type: ignore[arg-type]
    assert list(kept) == [one for one in ledger if holds(one)]
    rest = ledger.only(where=lambda one: not holds(one))
    assert kept.total_bytes + rest.total_bytes == ledger.total_bytes
    assert ledger.only() == ledger


@given(LEDGERS)
def test_a_combined_collective_is_launched_once(ledger: Ledger) -> None:
    assert ledger.count == 5 * len({one.instruction for one in ledger})
    assert ledger.total_bytes == sum(5 * one.payload_bytes for one in ledger)


@given(LEDGERS)
def test_json_holds_plain_values_with_the_same_keys(ledger: Ledger) -> None:
    facts = json.loads(json.dumps(ledger.to_json()))
    assert facts["total_bytes"] == ledger.total_bytes
    assert len({tuple(row) for row in facts["collectives"]}) <= 1
    assert [row["mesh_axes"] for row in facts["collectives"]] == [
        [str(part) for part in one.axes] for one in ledger
    ]


def test_an_empty_ledger_is_false_and_moves_nothing() -> None:
    assert not Ledger(())
    assert Ledger(()).only(kind="all-gather", network="dcn").total_bytes == 0
