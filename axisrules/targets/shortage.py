"""Programs that are larger than a device's memory: how compilers say so, and the bytes in question."""

import re

from axisrules.mesh import Target
from axisrules.targets.job import Shortfall

# `... exceeds available HBM (15.75G)`. Small scratch memories run short too; that is a failure.
_SHORT = re.compile(r"RESOURCE_EXHAUSTED.*\bHBM\b", re.DOTALL | re.IGNORECASE)
_AMOUNT = r"\((?P<amount>[0-9]+(?:\.[0-9]+)?)(?P<unit>[KMGT]?)i?B?\)"
_AVAILABLE = re.compile(r"available HBM " + _AMOUNT)
_NEEDED = re.compile(r"required for [\w ]+ " + _AMOUNT)

UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def is_shortage(error: str) -> bool:
    """Whether a compiler's error says that a program does not fit into the high-bandwidth memory.

    >>> is_shortage("RESOURCE_EXHAUSTED: ... temporaries (16.00G) exceeds available HBM (15.75G).")
    True
    """
    return _SHORT.search(error) is not None


def find_shortfall(error: str, assigned_bytes: int, target: Target) -> Shortfall | None:
    """Bytes needed and available, or None for a program that fits.

    TPU compilers refuse a program that is too large, with both figures rounded; the buffer assignment's
    own sum is exact and goes first. GPU compilers accept every size, so that the sum is held against the
    GPU's memory here.
    """
    limit = target.chip.compile_limit_bytes
    if error:
        return Shortfall(assigned_bytes or _bytes(_NEEDED, error, limit), _bytes(_AVAILABLE, error, limit))
    if target.platform == "gpu" and assigned_bytes > limit:
        return Shortfall(assigned_bytes, limit)
    return None


def _bytes(pattern: re.Pattern[str], text: str, otherwise: int) -> int:
    match = pattern.search(text)
    return round(float(match["amount"]) * UNITS[match["unit"]]) if match else otherwise
