"""What a plan's table says of how a step is run: remat, accumulation and pipeline, in words and as values."""

import tomllib
from typing import Any

from axisrules.diagnostics import printable
from axisrules.resolve import Plan
from axisrules.rules import training_entries


def training_words(plan: Plan) -> str:
    """`each step: remat = "full", accumulate = 8`; "" where the table says nothing."""
    entries = [f"{key} = {value}" for key, value in training_entries(plan.rules)]
    return f"each step: {printable(', '.join(entries), limit=512)}" if entries else ""


def training_values(plan: Plan) -> dict[str, Any]:
    """The same as plain values, as a table in TOML would have them."""
    return tomllib.loads("".join(f"{key} = {value}\n" for key, value in training_entries(plan.rules)))
