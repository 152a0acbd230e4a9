"""An assertion for the tests of a model: what a step may send, and what it sends instead."""

from axisrules.analysis import Collective, Direction, Kind, Ledger, Network
from axisrules.evidence.result import LayoutEvidence

SHOWN = 8


def assert_traffic(
    subject: LayoutEvidence | Ledger,
    *,
    kind: Kind | None = None,
    mesh_axis: str | None = None,
    network: Network | None = None,
    direction: Direction | None = None,
    at_most_bytes: int = 0,
) -> None:
    """Raise AssertionError where a step sends more than `at_most_bytes` in collectives of this sort.

    Bytes are the payload of one device and one step. The message lists the collectives, the largest
    first, each with its line of the model and the rule that asked for it. Evidence without a ledger
    fails, too.

    >>> assert_traffic(Ledger(()), kind="all-gather", network="dcn")
    """
    if isinstance(subject, LayoutEvidence):
        assert subject.ledger is not None, f"{subject.rules} on {subject.target}: {subject.error}"
        subject = subject.ledger
    found = subject.only(kind=kind, mesh_axis=mesh_axis, network=network, direction=direction)
    if found.total_bytes > at_most_bytes:
        asked = " ".join(part for part in (kind, mesh_axis, network, direction) if part) or "collective"
        raise AssertionError(
            f"{found.total_bytes:,} bytes of {asked} a step, at most {at_most_bytes:,} allowed\n"
            + "\n".join(_lines(found))
        )


def _lines(found: Ledger) -> list[str]:
    largest = sorted(found, key=lambda one: -one.total_bytes)
    lines = [f"  {_line(one)}" for one in largest[:SHOWN]]
    more = len(largest) - SHOWN
    return [*lines, f"  and {more} more"] if more > 0 else lines


def _line(one: Collective) -> str:
    axes = ",".join(map(str, one.axes))
    cause = f" for {', '.join(one.logical_axes)}" if one.logical_axes else ""
    rule = f" ({'; '.join(one.rules)})" if one.rules else ""
    place = f" at {one.source}" if one.source else ""
    return f"{one.total_bytes:,} bytes: {one.count} x {one.kind} over {axes}{cause}{rule}{place}"
