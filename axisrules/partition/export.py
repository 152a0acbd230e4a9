"""A training step as bytes that another process compiles for devices which this one does not have."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.export  # a plain `import jax` leaves it out
from jax.sharding import AbstractMesh

from axisrules.adapters import Program, path_of
from axisrules.mesh import MeshSpec
from axisrules.partition.devices import AXIS_TYPES
from axisrules.partition.partitioner import Partitioner
from axisrules.resolve import make_plan
from axisrules.rules import RuleTable

# The kind of a leaf and its path within that kind: ("optimizer", "0/mu/layers/mlp/up").
LeafName = tuple[str, str]


@dataclass(frozen=True, eq=False)
class FlatStep:
    """A training step with every array an argument of its own: numbered as in the compiled program.

    Arguments are the state's arrays and then the batch's; results are the new state's and then the
    metrics. The state is donated.
    """

    partitioner: Partitioner

    @cached_property
    def arguments(self) -> tuple[LeafName, ...]:
        """Which leaf each argument is."""
        return (*self._state_names, *_named(self.partitioner.program.batch, "batch"))

    @cached_property
    def results(self) -> tuple[LeafName, ...]:
        """Which leaf each result is."""
        return (*self._state_names, *self._metric_names)

    @property
    def state_count(self) -> int:
        """How many of the arguments, and of the results, are the state's."""
        return len(jax.tree.leaves(self.partitioner.abstract_state))

    @cached_property
    def shapes(self) -> tuple[jax.ShapeDtypeStruct, ...]:
        """Shape and dtype of every argument."""
        return tuple(jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in self._leaves)

    @cached_property
    def jitted(self) -> jax.stages.Wrapped:
        """The step as a jitted function of flat arguments that gives the state's leaves, and metrics."""
        own = self.partitioner
        state_shardings = jax.tree.leaves(own.state_shardings)
        return jax.jit(
            self._flat,
            in_shardings=(*state_shardings, *jax.tree.leaves(own.batch_shardings)),
            out_shardings=(state_shardings, None),
            donate_argnums=tuple(range(self.state_count)),
            keep_unused=True,  # arguments keep their numbers
        )

    def export(self, platform: str) -> bytes:
        """The lowered step for `platform` ("tpu" or "cuda"), in JAX's own portable form."""
        exported = jax.export.export(self.jitted, platforms=(platform,))(*self.shapes)
        return bytes(exported.serialize())

    def _flat(self, *leaves: Any) -> tuple[list[Any], Any]:
        state, metrics = self._step(*jax.tree.unflatten(self._tree, leaves))
        return jax.tree.leaves(state), metrics

    @cached_property
    def _step(self) -> Callable[..., Any]:
        return self.partitioner.train_step(donate=False)

    @cached_property
    def _arrays(self) -> tuple[Any, Any]:
        return self.partitioner.abstract_state, self.partitioner.program.batch

    @property
    def _leaves(self) -> list[Any]:
        return jax.tree.leaves(self._arrays)

    @property
    def _tree(self) -> Any:
        return jax.tree.structure(self._arrays)

    @cached_property
    def _state_names(self) -> tuple[LeafName, ...]:
        kinds = {"params": "params", "opt_state": "optimizer"}
        names = []
        for _, path in _named(self.partitioner.abstract_state, "state"):
            field, _, within = path.partition("/")
            kind = self.partitioner.program.rest_kinds[within] if field == "rest" else kinds.get(field)
            names.append((kind, within) if kind else ("state", field))
        return tuple(names)

    @cached_property
    def _metric_names(self) -> tuple[LeafName, ...]:
        _, metrics = self.jitted.trace(*self.shapes).out_info  # lowering takes the same trace
        return _named(metrics, "metrics")


def described_partitioner(program: Program, rules: RuleTable, mesh: MeshSpec) -> Partitioner:
    """`program` laid out on a mesh that is only described: to trace and to export, never to run.

    Raises AxisRulesError with everything that is wrong with the table, the mesh or their fit.
    """
    names = tuple(name for name, _ in mesh.sizes)
    types = (AXIS_TYPES[mesh.axis_type],) * len(names)
    abstract = AbstractMesh(tuple(size for _, size in mesh.sizes), names, axis_types=types)
    return Partitioner(program, make_plan(program.leaves, rules, mesh), abstract)


def _named(tree: Any, kind: str) -> tuple[LeafName, ...]:
    flat, _ = jax.tree_util.tree_flatten_with_path(tree)
    return tuple((kind, path_of(keys)) for keys, _ in flat)
