"""Traces a model abstractly and notes every `constrain` it meets."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import jax
from jax.sharding import AbstractMesh, use_abstract_mesh

from axisrules.adapters.activations import InForce, in_force
from axisrules.axes import AxisNames
from axisrules.diagnostics import Origin
from axisrules.resolve import Leaf

# Part of every trace-cache key: what a nested jit was traced as while it was only read is never
# taken for what it does under a plan, nor the other way round.
_traced_apart = jax.make_user_context(None)


@dataclass(eq=False)
class Recorder:
    """What is in force while a program is read: constraints do nothing and are written down."""

    found: dict[Leaf, None] = field(default_factory=dict)

    def constrain_array(self, x: Any, names: AxisNames, origin: Origin) -> Any:
        """`x` as it is; a line of the model that is traced again counts once."""
        leaf = Leaf(str(origin), "activations", tuple(x.shape), str(x.dtype), x.dtype.itemsize, names)
        self.found.setdefault(leaf)
        return x

    def constrain_own(self, x: Any, sharding: Any, origin: Origin) -> Any:  # noqa: ARG002 - InForce's own
        """`x` as it is: mesh axes mean nothing before there is a mesh."""
        return x

    @property
    def activations(self) -> tuple[Leaf, ...]:
        """One leaf per line, shape and names, its path `file.py:line`, with `#2` for a line's second."""
        count: dict[str, int] = {}
        leaves = []
        for leaf in self.found:
            count[leaf.path] = number = count.get(leaf.path, 0) + 1
            leaves.append(leaf if number == 1 else replace(leaf, path=f"{leaf.path}#{number}"))
        return tuple(leaves)


@contextmanager
def reading() -> Iterator[None]:
    """Trace a program only to read what it computes: constraints do nothing, and no plan or mesh is met."""
    with recording(None):
        yield


@contextmanager
def recording(recorder: InForce | None) -> Iterator[None]:
    """Trace with `recorder` in force (None: with constraints ignored), apart from every plan and mesh.

    Flax applies a parameter's annotation to whatever mesh it finds, as if logical axes were mesh
    axes; so it finds none.
    """
    with in_force(recorder), _traced_apart(recorder or "init"), use_abstract_mesh(AbstractMesh((), ())):
        yield
