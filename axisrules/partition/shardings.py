"""Specs become JAX shardings: here, and nowhere else."""

from typing import Any

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from axisrules.adapters import Program, path_of
from axisrules.partition.state import TrainState
from axisrules.resolve import Plan, Spec
from axisrules.rules import Kind


def partition_spec(spec: Spec) -> PartitionSpec:
    """JAX's form of a spec."""
    return PartitionSpec(*(axes if len(axes) > 1 else axes[0] if axes else None for axes in spec))


def shardings_of(tree: Any, kinds: "Kind | dict[str, Kind]", plan: Plan, mesh: Mesh) -> Any:
    """The NamedSharding of every leaf of `tree`, found in the plan by kind and path."""

    def of(keys: tuple[Any, ...], _: Any) -> NamedSharding:
        path = path_of(keys)
        kind = kinds[path] if isinstance(kinds, dict) else kinds
        return NamedSharding(mesh, partition_spec(plan.by_path[kind, path].spec))

    return jax.tree_util.tree_map_with_path(of, tree)


def state_shardings(program: Program, plan: Plan, mesh: Mesh) -> TrainState:
    """A TrainState that holds a sharding in the place of every array."""
    whole = NamedSharding(mesh, PartitionSpec())
    return TrainState(
        step=whole,
        key=whole,
        params=shardings_of(program.params, "params", plan, mesh),
        rest=shardings_of(program.rest, program.rest_kinds, plan, mesh),
        opt_state=shardings_of(program.opt_state, "optimizer", plan, mesh),
    )
