"""Layouts that differ in their remat policies alone, held against each other."""

from dataclasses import replace

from axisrules.evidence.result import LayoutEvidence
from axisrules.memory import PolicyCost, advise
from axisrules.rules import NO_REMAT


def with_policy_advice(rows: tuple[LayoutEvidence, ...]) -> tuple[LayoutEvidence, ...]:
    """The rows, with AXR780 or AXR781 where another row says what a remat policy costs or saves.

    Rows speak of each other where they have the same target, mesh and rules, one of them without a policy.
    """
    return tuple(_advised(row, [other for other in rows if _is_alike(row, other)]) for row in rows)


def _advised(row: LayoutEvidence, alike: list[LayoutEvidence]) -> LayoutEvidence:
    # What recomputes nothing comes first: the others are held against it.
    costs = sorted(map(_cost, alike), key=lambda cost: cost.policy != NO_REMAT)
    if len(costs) < 2 or costs[0].policy != NO_REMAT:
        return row
    state_bytes = (row.needed_bytes or 0) - (row.temporary_bytes or 0)
    found = advise(costs, _policy(row), state_bytes=state_bytes, memory_bytes=row.hbm_bytes)
    return replace(row, findings=(*row.findings, *found))


def _cost(row: LayoutEvidence) -> PolicyCost:
    return PolicyCost(_policy(row), row.temporary_bytes or 0, int(row.flops or 0))


def _is_alike(row: LayoutEvidence, other: LayoutEvidence) -> bool:
    tables = [_without_policy(one) for one in (row, other) if one.plan and one.flops]
    return (
        len(tables) == 2
        and tables[0] == tables[1]
        and (row.target, row.mesh) == (other.target, other.mesh)
        and (row is other or _policy(row) != _policy(other))
    )


def _without_policy(row: LayoutEvidence) -> tuple[object, ...]:
    """All of a table but its policies; how it was composed does not matter."""
    assert row.plan, "only planned rows are asked"
    table = row.plan.rules
    return table.rules, table.optional_mesh_axes, table.accumulate, table.pipeline


def _policy(row: LayoutEvidence) -> str:
    policies = row.plan.rules.remat if row.plan else ()
    return ", ".join(map(str, policies or ())) or NO_REMAT
