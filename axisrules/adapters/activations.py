"""How model code names its activations: `constrain` asks whatever is in force what to do."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Protocol

import jax
from jax.ad_checkpoint import checkpoint_name

from axisrules.axes import AxisNames, parse_axis_names
from axisrules.diagnostics import AxisRulesError, Origin, catalog


class InForce(Protocol):
    """What a context puts in force: a plan's partitioner, or the reader of a program."""

    def constrain_array(self, x: Any, names: AxisNames, origin: Origin) -> Any:
        """`x` laid out as its logical axes ask; `origin` is the model's own line."""

    def constrain_own(self, x: Any, sharding: Any, origin: Origin) -> Any:
        """`x` laid out as a model's own line asks, in JAX's words: a PartitionSpec or a Sharding."""


_in_force: ContextVar[InForce | None] = ContextVar("axisrules_in_force")


@contextmanager
def in_force(layout: InForce | None) -> Iterator[None]:
    """Put `layout` in force for `constrain`; None declares that constraints do nothing here."""
    token = _in_force.set(layout)
    try:
        yield
    finally:
        _in_force.reset(token)


def constrain(x: Any, names: str | Sequence[str | None]) -> Any:
    """`x`, laid out over the mesh as the plan in force says for its logical axes.

    `names` has one name per dim of the model's own view of `x` (inside vmap, without the mapped dim);
    `_` or None leaves a dim to XLA. Works in linen, nnx and plain functions, inside scan, remat, vmap
    and shard_map (whose Manual mesh axes are left out).

    Raises AxisRulesError: AXR501 with no plan in force (`use_plan(None)` declares that none is wanted),
    AXR303 when the names do not fit the rank, AXR306 for a name that is none, and what the rules find.
    """
    origin = _caller()
    layout = in_force_here(origin)
    try:
        parsed = parse_axis_names(names)
    except (ValueError, TypeError) as error:
        raise AxisRulesError([catalog.BAD_ANNOTATION.at(origin, why=str(error))]) from None
    rank = len(jax.numpy.shape(x))
    if len(parsed) != rank:
        why = f"{len(parsed)} names ({names!r}) for an activation of {rank} dims {jax.numpy.shape(x)}"
        raise AxisRulesError([catalog.RANK_MISMATCH.at(origin, why=why)])
    if layout is None:
        return x
    # The name costs nothing in the compiled program; remat policies pick by it what is kept.
    return checkpoint_name(layout.constrain_array(x, parsed, origin), activation_name(parsed))


def activation_name(names: AxisNames) -> str:
    """What a remat policy calls an activation: its logical axes, `_` for a dim without one.

    >>> activation_name(parse_axis_names("batch _ embed"))
    'batch _ embed'
    """
    return " ".join(name or "_" for name in names)


def in_force_here(origin: Origin) -> InForce | None:
    """What is in force, None where nothing is wanted; AXR501 at `origin` where nobody has said either."""
    try:
        return _in_force.get()
    except LookupError:
        fix = "trace through Partitioner.jit, or declare that no plan is wanted: with use_plan(None): ..."
        raise AxisRulesError([catalog.NO_PLAN_IN_FORCE.at(origin, fix=fix)]) from None


def _caller() -> Origin:
    """The line that called `constrain`."""
    frame = sys._getframe(2)  # noqa: SLF001  # inspect.stack() reads every file on the way
    file = Path(frame.f_code.co_filename)
    return Origin(file.name, frame.f_lineno)
