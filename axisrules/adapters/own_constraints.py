"""Layouts that a model's own source asks for: found line by line, and kept or dropped by choice."""

import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal

import jax
from flax import linen as nn

from axisrules.adapters.activations import in_force_here
from axisrules.adapters.failure import own_line
from axisrules.axes import LogicalAxis
from axisrules.diagnostics import Origin

Choice = Literal["keep", "drop"]


@dataclass(eq=False)
class OwnConstraints:
    """What becomes of the constraints that a model's source makes, and the lines that make them.

    Kept ones that name mesh axes go to JAX as they are; kept ones that name logical axes are laid out by
    the plan in force. `renamed` gives logical axes for the model's own words.
    """

    choice: Choice
    renamed: dict[str, str] = field(default_factory=dict)
    lines: dict[Origin, None] = field(default_factory=dict)

    @contextmanager
    def seen(self) -> Iterator[None]:
        """Whoever constrains inside is noted and, where they are to be dropped, not heard.

        JAX's and Flax's functions are found by their public names, so that one that a model has imported
        as a value before is out of reach, and keeps what it asks for.
        """
        token = _chosen.set(self)
        try:
            with _PATCHES.installed():
                yield
        finally:
            _chosen.reset(token)

    def by_spec(self, x: Any, shardings: Any) -> Any:
        """What `jax.lax.with_sharding_constraint(x, shardings)` gives here."""
        origin = self._note()
        layout = in_force_here(origin)
        if self.choice == "drop" or layout is None:
            return x
        return layout.constrain_own(x, shardings, origin)

    def by_names(self, x: Any, names: Any) -> Any:
        """What `nn.with_logical_constraint(x, names)` gives here."""
        origin = self._note()
        layout = in_force_here(origin)
        if self.choice == "drop" or layout is None or names is None:
            return x
        renamed = [None if name is None else self.renamed.get(name, name) for name in names]
        axes = tuple(LogicalAxis(name) if isinstance(name, str) else None for name in renamed)
        return layout.constrain_array(x, axes, origin)

    def _note(self) -> Origin:
        line = own_line(traceback.extract_stack()) or Origin("the model")
        self.lines.setdefault(line)
        return line


_chosen: ContextVar[OwnConstraints | None] = ContextVar("axisrules_own_constraints", default=None)


@contextmanager
def jax_itself() -> Iterator[None]:
    """Constraints made inside are ours and not the model's, and go to JAX."""
    token = _chosen.set(None)
    try:
        yield
    finally:
        _chosen.reset(token)


class _Patches:
    """Public functions of JAX and Flax, standing aside for `OwnConstraints` while anybody traces with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._originals: list[tuple[Any, str, Any]] = []

    @contextmanager
    def installed(self) -> Iterator[None]:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._install()
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._remove()

    def _install(self) -> None:
        places = ((jax.lax, "with_sharding_constraint"), (nn, "with_logical_constraint"))
        self._originals = [(place, name, getattr(place, name)) for place, name in places]
        by_spec, by_names = (original for _, _, original in self._originals)

        def with_sharding_constraint(x: Any, shardings: Any) -> Any:
            chosen = _chosen.get()
            return by_spec(x, shardings) if chosen is None else chosen.by_spec(x, shardings)

        def with_logical_constraint(x: Any, logical_axis_resources: Any, *args: Any, **kwargs: Any) -> Any:
            chosen = _chosen.get()
            if chosen is None:
                return by_names(x, logical_axis_resources, *args, **kwargs)
            return chosen.by_names(x, logical_axis_resources)

        for (place, name), ours in zip(
            places, (with_sharding_constraint, with_logical_constraint), strict=True
        ):
            setattr(place, name, ours)

    def _remove(self) -> None:
        for place, name, original in self._originals:
            setattr(place, name, original)


_PATCHES = _Patches()
