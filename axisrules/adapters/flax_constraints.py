"""Flax's own activation constraints, which a plan does not reach: found, so that they are not silent."""

import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flax import linen as nn

from axisrules.adapters.failure import own_line
from axisrules.diagnostics import Origin, catalog, render_text

# The warning belongs to the line that calls read_program, four calls out of the function that warns.
READERS_CALLER = 5


@contextmanager
def noticing_flax_constraints() -> Iterator[None]:
    """Warn (AXR313) of every line that calls `nn.with_logical_constraint` inside.

    Flax looks its rules up in a context of its own, and is given some that note who reads them. They
    lay nothing out: without a mesh in force Flax leaves the array as it is.
    """
    watched = _WatchedRules([("", None)])
    with nn.logical_axis_rules(watched):
        yield
    fix = "name the activation for axisrules: axisrules.constrain(x, ...)"
    why = "nn.with_logical_constraint asks Flax's rules context, which a plan does not fill"
    found = [catalog.FLAX_CONSTRAINT.at(line, why=why, fix=fix) for line in watched.readers]
    if found:
        warnings.warn("\n" + render_text(found), stacklevel=READERS_CALLER)


class _WatchedRules(list[Any]):
    """A list of rules that notes the line of the user's code for which Flax reads it."""

    def __init__(self, rules: list[Any]) -> None:
        super().__init__(rules)
        self.readers: dict[Origin, None] = {}

    def __iter__(self) -> Iterator[Any]:
        line = own_line(traceback.extract_stack())
        if line:
            self.readers.setdefault(line)
        return super().__iter__()
