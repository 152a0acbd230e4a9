"""When no layout fits: by how much the nearest is too large, and what would let it in."""

import math
from collections.abc import Iterator
from dataclasses import replace

from axisrules.diagnostics import Diagnostic, catalog
from axisrules.mesh import Target, offered_topologies
from axisrules.search.result import SearchResult
from axisrules.search.score import Scored

GB = 1e9


def nothing_fits(result: SearchResult) -> Diagnostic:
    """AXR905 for a search without a best: what it came nearest with, and a smaller batch or a larger target.

    What is proposed is worked out from what grows with the batch and what is shared by devices, and was not
    compiled. Where nothing was compiled the parameters and the optimizer state alone are too large.
    """
    space, nearest = result.space, result.nearest_to_fit()
    subject = str(space.target)
    if space.target.is_local or (nearest is None and not result.pruned):
        why = f"of {result.compiled} layouts that were tried, none could be compiled and run"
        return catalog.NOTHING_FITS.at(subject=subject, why=why, fix="the rows that failed say why")
    room = space.constraints.hbm * space.target.chip.compile_limit_bytes
    if nearest is None or nearest.needed_bytes is None:
        smallest = min(space.candidates, key=lambda one: space.bounds(one).state_bytes)
        needed = space.bounds(smallest).state_bytes
        why = f"parameters and optimizer state alone take {_of(needed, room)}, at the least: {smallest}"
    else:
        needed = nearest.needed_bytes
        why = f"the nearest needs {_of(needed, room)}: {nearest.candidate}"
    fixes = [*_smaller_batch(result, nearest, room), *_larger(space.target, needed / room)]
    fix = " or ".join(fixes) or "a chip with more memory, or an optimizer with less state"
    return catalog.NOTHING_FITS.at(subject=subject, why=why, fix=fix)


def _of(needed: float, room: float) -> str:
    return f"{needed / GB:,.2f} GB of {room / GB:,.2f} GB, {needed / room - 1:.0%} too much"


def _smaller_batch(result: SearchResult, nearest: Scored | None, room: float) -> Iterator[str]:
    """The batch of which the nearest would fit, if what is not state went down with it."""
    if nearest is None or nearest.needed_bytes is None:
        return
    state = nearest.param_bytes + nearest.optimizer_bytes
    roles = result.space.roles
    rows = roles.sizes[roles.rows]
    fewer = int(rows * (room - state) / max(nearest.needed_bytes - state, 1))
    halves = 2 ** int(math.log2(fewer)) if fewer >= 1 else 0
    if halves and halves < rows:
        yield f"a batch of about {halves} rows in the place of {rows}"


def _larger(target: Target, ratio: float) -> Iterator[str]:
    """The least target of the same chip on which the same bytes, shared by more, would fit."""
    for topology in offered_topologies(target.chip.shapes):
        if math.prod(topology) >= ratio * math.prod(target.topology):
            yield f"--target {replace(target, topology=topology, slices=1, is_twisted=False)}"
            return
