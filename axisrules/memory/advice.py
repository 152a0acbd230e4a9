"""Advice on what policies cost: recomputing what is cheap to keep, and keeping what is dear."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from axisrules.diagnostics import Diagnostic, catalog

# A policy that costs more than so much of a step's FLOPs ought to give more than so much of its memory.
WORTH_FLOPS = 0.02
WORTH_BYTES = 0.05
# Keeping is dear where a policy that costs next to nothing would save so much.
DEAR_BYTES = 0.2


@dataclass(frozen=True)
class PolicyCost:
    """What one policy makes of a step on one device: bytes of temporaries, and FLOPs."""

    policy: str
    temporary_bytes: int
    flops: int


def advise(
    costs: Sequence[PolicyCost], chosen: str, *, state_bytes: int = 0, memory_bytes: int | None = None
) -> list[Diagnostic]:
    """What speaks against the policy `chosen`, from the costs of it and others; the first recomputes nothing.

    AXR780 for FLOPs spent although little memory is saved, or although everything fits: `state_bytes`
    and the temporaries into the `memory_bytes` of a device. AXR781 for memory that another policy would
    save at almost no FLOPs. Both are warnings.
    """
    by_name = {cost.policy: cost for cost in costs}
    own, base = by_name[chosen], costs[0]
    cheap = _cheap_to_keep(own, base, state_bytes, memory_bytes)
    if cheap:
        why, fix = cheap, f'remat = "{base.policy}"'
        return [catalog.CHEAP_TO_KEEP.at(subject=f"remat = {chosen}", why=why, fix=fix)]
    fits = memory_bytes is not None and state_bytes + own.temporary_bytes <= memory_bytes
    better = [] if fits else sorted(_nearly_free(own, costs), key=lambda cost: cost.temporary_bytes)
    if not better:
        return []
    why = (
        f"`{better[0].policy}` keeps {better[0].temporary_bytes:,} bytes of temporaries in the place of"
        f" {own.temporary_bytes:,}, at {better[0].flops / own.flops - 1:+.1%} of the FLOPs"
    )
    fix = f'remat = "{better[0].policy}"'
    return [catalog.DEAR_TO_KEEP.at(subject=f"remat = {chosen}", why=why, fix=fix)]


def _cheap_to_keep(own: PolicyCost, base: PolicyCost, state_bytes: int, memory_bytes: int | None) -> str:
    """Why the policy is not worth its FLOPs; "" where it is."""
    extra = own.flops / base.flops - 1
    if own is base or extra <= WORTH_FLOPS:
        return ""
    saved = base.temporary_bytes - own.temporary_bytes
    if saved < WORTH_BYTES * base.temporary_bytes:
        return f"it costs {extra:+.1%} of the FLOPs, and saves {saved:,} of {base.temporary_bytes:,} bytes"
    whole = state_bytes + base.temporary_bytes
    if memory_bytes is not None and whole <= memory_bytes:
        return (
            f"it costs {extra:+.1%} of the FLOPs, and without it the state and the temporaries take {whole:,}"
            f" of the {memory_bytes:,} bytes that a device has"
        )
    return ""


def _nearly_free(own: PolicyCost, costs: Sequence[PolicyCost]) -> Iterator[PolicyCost]:
    """Policies that save much more than `own` and cost hardly more."""
    for cost in costs:
        is_free = cost.flops <= own.flops * (1 + WORTH_FLOPS)
        if is_free and cost.temporary_bytes <= own.temporary_bytes * (1 - DEAR_BYTES):
            yield cost
