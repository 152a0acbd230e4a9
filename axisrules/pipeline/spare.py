"""Where a device that waits puts what nobody reads: over what is no longer needed, if it has such a place."""

from collections.abc import Iterator, Sequence

import numpy as np

# Within a round: what a device makes is put away, then tasks read, then what arrives is put away.
MADE, READ, ARRIVED = range(3)

# A table of places, -1 where nothing is put or read, and when in each round that happens.
Uses = tuple[np.ndarray, int]


def with_spare(writes: Sequence[Uses], reads: Sequence[Uses], count: int) -> tuple[list[np.ndarray], int]:
    """The tables of `writes` without -1, and how many places that takes: `count`, or one more.

    What is put where nothing waits to be read hurts nobody. Only a device that waits while every place is
    taken needs one beyond them.
    """
    rounds, devices = writes[0][0].shape
    tables, most = [table.copy() for table, _ in writes], max(count, 1)
    for device in range(devices):
        taken = np.zeros((rounds * 3, count), bool)
        for place, start, end in _waits(writes, reads, device):
            taken[start:end, place] = True
        for table, (_, instant) in zip(tables, writes, strict=True):
            for turn in np.flatnonzero(table[:, device] < 0):
                free = np.flatnonzero(~taken[turn * 3 + instant])
                table[turn, device] = free[0] if len(free) else count
                most = max(most, int(table[turn, device]) + 1)
    return tables, most


def _waits(writes: Sequence[Uses], reads: Sequence[Uses], device: int) -> Iterator[tuple[int, int, int]]:
    """(place, from, until) in thirds of rounds: what one device keeps until it is read for the last time."""
    put: dict[int, tuple[int, int]] = {}
    for time, place, is_put in sorted([*_events(writes, device, True), *_events(reads, device, False)]):
        if is_put:
            if place in put:
                yield place, *put[place]
            put[place] = (time, time)
        else:
            put[place] = (put[place][0], time)
    for place, span in put.items():
        yield place, *span


def _events(uses: Sequence[Uses], device: int, is_put: bool) -> Iterator[tuple[int, int, bool]]:
    for table, instant in uses:
        for turn in np.flatnonzero(table[:, device] >= 0):
            yield int(turn) * 3 + instant, int(table[turn, device]), is_put
