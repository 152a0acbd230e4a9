"""Specs become JAX shardings: here, and nowhere else."""

from functools import lru_cache
from typing import Any

import jax
from jax.sharding import AbstractMesh, Mesh, NamedSharding, PartitionSpec, get_abstract_mesh

from axisrules.adapters import Program, path_of
from axisrules.axes import MeshAxis
from axisrules.partition.state import TrainState
from axisrules.resolve import Plan, Spec
from axisrules.rules import Kind


def partition_spec(spec: Spec) -> PartitionSpec:
    """JAX's form of a spec."""
    return PartitionSpec(*map(spec_entry, spec))


def spec_entry(axes: tuple[MeshAxis, ...]) -> Any:
    """JAX's form of one dim's mesh axes."""
    return axes if len(axes) > 1 else axes[0] if axes else None


@lru_cache(maxsize=1024)
def named_sharding(spec: Spec, mesh: Mesh | AbstractMesh) -> NamedSharding:
    """JAX's form of a spec on `mesh`; the many arrays that are laid out alike share one."""
    return NamedSharding(mesh, partition_spec(spec))


def sharding_here(mesh: Mesh | AbstractMesh, spec: PartitionSpec) -> NamedSharding:
    """`spec` on the mesh as the current trace sees it: inside shard_map or auto_axes its types differ."""
    ambient = get_abstract_mesh()
    return NamedSharding(mesh if ambient.empty else ambient, spec)


def shardings_of(tree: Any, kinds: "Kind | dict[str, Kind]", plan: Plan, mesh: Mesh | AbstractMesh) -> Any:
    """The NamedSharding of every leaf of `tree`, found in the plan by kind and path."""

    def of(keys: tuple[Any, ...], _: Any) -> NamedSharding:
        path = path_of(keys)
        kind = kinds[path] if isinstance(kinds, dict) else kinds
        return named_sharding(plan.by_path[kind, path].spec, mesh)

    return jax.tree_util.tree_map_with_path(of, tree)


def state_shardings(program: Program, plan: Plan, mesh: Mesh | AbstractMesh) -> TrainState:
    """A TrainState that holds a sharding in the place of every array."""
    whole = NamedSharding(mesh, PartitionSpec())
    return TrainState(
        step=whole,
        key=whole,
        params=shardings_of(program.params, "params", plan, mesh),
        rest=shardings_of(program.rest, program.rest_kinds, plan, mesh),
        opt_state=shardings_of(program.opt_state, "optimizer", plan, mesh),
    )
