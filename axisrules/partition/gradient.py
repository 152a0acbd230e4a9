"""The gradient of a program's loss, computed as its table says: what is recomputed, in how many parts."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
from jax.sharding import AbstractMesh, Mesh

from axisrules.adapters import Program, path_of
from axisrules.axes import LogicalAxis, MeshAxis
from axisrules.diagnostics import catalog, raise_errors
from axisrules.memory import BatchCut, Gradient, accumulated, check_offload, rematerialized
from axisrules.partition.step import objective
from axisrules.pipeline import make_objective
from axisrules.resolve import Plan
from axisrules.rules import LAYERS, Accumulate, Remat

BATCH = LogicalAxis("batch")

# (params, rest, batch) to the metrics, the loss among them.
Scorer = Callable[[Any, Any, Any], dict[str, Any]]


def gradient_of(program: Program, plan: Plan, mesh: Mesh | AbstractMesh) -> Gradient:
    """(params, rest, batch, key) -> ((loss, (metrics, rest)), grads), as `plan.rules` want it.

    Raises AxisRulesError: AXR771 for an offload to host memory that the devices lack, AXR773 for
    microbatches that do not divide the batch; and when it is traced what rematerialized and accumulated
    raise. AXR776 for a policy beside a pipeline, which recomputes layers as it does.
    """
    policies, wanted = plan.rules.remat or (), plan.rules.accumulate
    if isinstance(mesh, Mesh):  # an AbstractMesh has no devices to ask
        device = mesh.devices.flat[0]
        kinds = [memory.kind for memory in device.addressable_memories()]
        check_offload(policies, device.device_kind, kinds)
    pipeline = make_objective(program, plan, mesh)
    if pipeline:
        check_pipeline(policies)
    own = pipeline or partial(objective, program)
    # A pipeline's microbatches accumulate anyway.
    scored = own if pipeline else rematerialized(own, policies)
    gradient: Gradient = jax.value_and_grad(scored, has_aux=True)
    if pipeline or wanted is None or wanted.microbatches == 1:
        return gradient
    check_parts(program, wanted, plan)
    return accumulated(own, gradient, wanted, batch_cut(program, plan), mesh)


def check_pipeline(policies: tuple[Remat, ...]) -> None:
    """Raise AxisRulesError (AXR776) for policies other than that of a pipeline: whole layers, one by one."""
    why = "a pipeline keeps the inputs of its stages, and computes every layer anew, whole"
    fix = f'leave `remat` out, or say remat = "{LAYERS}"'
    raise_errors(
        catalog.REMAT_IN_PIPELINE.at(policy.origin, subject=f"remat = {policy}", why=why, fix=fix)
        for policy in policies
        if policy != Remat()
    )


def scorer_of(program: Program, plan: Plan, mesh: Mesh | AbstractMesh) -> Scorer | None:
    """(params, rest, batch) -> metrics without any randomness, as the pipeline of `plan` computes them.

    None where there is no pipeline.
    """
    pipeline = make_objective(program, plan, mesh)
    return pipeline.evaluate if pipeline else None


def batch_cut(program: Program, plan: Plan) -> BatchCut:
    """Where the rows of a batch are, and the mesh axes that cut them and no parameter."""
    rows = [_rows(program, plan, path) for path in _batch_paths(program)]
    cutting = [found.mesh_axes for found in rows if found]
    taken = {
        axis for leaf in plan.leaves if leaf.leaf.kind == "params" for axes in leaf.spec for axis in axes
    }
    free = [
        axis
        for axis in (cutting[0] if cutting else ())
        if axis not in taken and all(axis in axes for axes in cutting)
    ]
    devices = math.prod(plan.mesh.shape[axis] for axis in free)
    return BatchCut(tuple(found.dim if found else None for found in rows), tuple(free), devices)


def check_parts(program: Program, wanted: Accumulate, plan: Plan) -> None:
    """Raise AxisRulesError (AXR773) unless every device has as many rows in every microbatch."""
    findings = []
    for path in _batch_paths(program):
        found = _rows(program, plan, path)
        if found and found.size % (wanted.microbatches * found.ways):
            why = f"{found.size} rows do not go into {wanted.microbatches} microbatches"
            why += f" on {found.ways} devices each" if found.ways > 1 else ""
            most = found.size // found.ways
            fix = f"microbatches that divide {most}, or another batch size"
            findings.append(
                catalog.UNEVEN_MICROBATCHES.at(wanted.origin, subject=f"batch:{path}", why=why, fix=fix)
            )
    if not any(_rows(program, plan, path) for path in _batch_paths(program)):
        why = f"no array of the batch has a dim named `{BATCH}`"
        fix = 'name it: read_program(..., batch_axes={"inputs": "batch seq"})'
        findings.append(catalog.UNEVEN_MICROBATCHES.at(wanted.origin, why=why, fix=fix))
    raise_errors(findings)


@dataclass(frozen=True)
class _Rows:
    """The dim of one array that holds the rows of a batch, and what cuts it."""

    dim: int
    size: int
    ways: int
    mesh_axes: tuple[MeshAxis, ...]


def _rows(program: Program, plan: Plan, path: str) -> _Rows | None:
    names = program.batch_axes.get(path) or ()
    if BATCH not in names:
        return None
    dim: int = names.index(BATCH)
    reason = plan.by_path["batch", path].resolution.dims[dim]
    return _Rows(dim, reason.size or 0, reason.ways, reason.mesh_axes)


def _batch_paths(program: Program) -> list[str]:
    return [path_of(keys) for keys, _ in jax.tree_util.tree_flatten_with_path(program.batch)[0]]
