"""What a pipeline keeps of a layer between its forward and its backward task, as a table's `remat` says."""

from dataclasses import dataclass

from axisrules.diagnostics import AxisRulesError, catalog, raise_errors
from axisrules.pipeline.layout import StageLayout
from axisrules.rules import LAYERS, Remat


@dataclass(frozen=True)
class Keeping:
    """`group` layers are taken as one; if they are recomputed, nothing is kept of them but their inputs.

    Otherwise all that backward needs is kept, or what `policies` leave of it.
    """

    group: int = 1
    is_recomputed: bool = True
    policies: tuple[Remat, ...] = ()


RECOMPUTED = Keeping()


def read_keeping(remat: tuple[Remat, ...] | None, layout: StageLayout) -> Keeping:
    """What a table means that says `remat`; one that says nothing recomputes whole layers, one by one.

    Raises AxisRulesError: AXR772 for stages whose layers a policy's groups do not divide, AXR776 for groups
    of layers of which something is kept.
    """
    if remat is None:
        return RECOMPUTED
    if remat and remat[0].recompute == (LAYERS,) and not (remat[0].save or remat[0].offload):
        _check_groups(remat[0], layout)
        return Keeping(group=remat[0].every)
    raise_errors(
        catalog.REMAT_IN_PIPELINE.at(
            policy.origin,
            subject=f"remat = {policy}",
            why=f"groups of {policy.every} layers are recomputed whole in a pipeline",
            fix="leave `every` out, or `save` and `offload`",
        )
        for policy in remat
        if policy.every > 1
    )
    return Keeping(is_recomputed=False, policies=remat)


def _check_groups(policy: Remat, layout: StageLayout) -> None:
    uneven = [count for count in layout.counts if count % policy.every]
    if uneven:
        why = f"a stage has {uneven[0]} layers, which is no multiple of {policy.every}"
        fits = [n for n in range(1, layout.depth + 1) if all(count % n == 0 for count in layout.counts)]
        fix = f"every = {max(n for n in fits if n <= policy.every)}"
        raise AxisRulesError(
            [catalog.REMAT_EVERY.at(policy.origin, subject=f"remat = {policy}", why=why, fix=fix)]
        )
