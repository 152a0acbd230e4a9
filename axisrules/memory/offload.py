"""Whether devices have the memory that an offload moves activations to."""

from collections.abc import Sequence

from axisrules.diagnostics import AxisRulesError, catalog
from axisrules.rules import Remat

HOST = "pinned_host"


def check_offload(policies: tuple[Remat, ...], device: str, memories: Sequence[str]) -> None:
    """Raise AxisRulesError (AXR771) where a policy offloads and HOST is not among `memories`.

    `device` is what kind of device has them, and `memories` are the kinds that JAX reports of it.
    """
    if HOST in memories:
        return
    why = f"{device} has the memories {', '.join(memories) or 'none'}, and `offload` needs {HOST}"
    fix = "say `save` in the place of `offload`, or leave the names out"
    found = [
        catalog.NO_HOST_MEMORY.at(policy.origin, subject=f"remat = {policy}", why=why, fix=fix)
        for policy in policies
        if policy.offload
    ]
    if found:
        raise AxisRulesError(found)
