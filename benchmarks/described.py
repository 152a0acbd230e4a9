"""Programs under several tables, compiled for described hardware, and what their texts say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.export
from jax.sharding import AbstractMesh, NamedSharding, PartitionSpec

from axisrules.adapters import Program
from axisrules.analysis import (
    Ledger,
    Module,
    StepEstimate,
    describe_machine,
    estimate_step,
    read_ledger,
    read_module,
)
from axisrules.diagnostics import AxisRulesError
from axisrules.mesh import MeshSpec, Target, parse_mesh
from axisrules.partition import FlatStep, described_partitioner
from axisrules.rules import RuleTable, load_rules
from axisrules.targets import CompiledStep, CompileFailure, CompileJob, Mode, compile_many

# No device is needed here, and JAX need not look for any.
jax.config.update("jax_platforms", "cpu")

PLATFORMS = {"tpu": "tpu", "gpu": "cuda"}
# The compiler replaces all-gathers and reduce-scatters beside a matmul by loops of permutes when they are
# larger than this; so large a limit keeps them whole.
WHOLE_COLLECTIVES = {"xla_jf_spmd_threshold_for_windowed_einsum_mib": 1_000_000}


@dataclass(frozen=True)
class Layout:
    """A table on a mesh of a target, with XLA's compiler options."""

    rules: str | RuleTable
    mesh: str
    target: Target
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The table and the mesh."""
        return f"{load_rules(self.rules).name} {self.mesh}"


@dataclass(frozen=True)
class Described:
    """A compiled step, read."""

    step: CompiledStep
    module: Module
    ledger: Ledger
    estimate: StepEstimate


def compile_layouts(program: Program, layouts: Sequence[Layout], mode: Mode = "fast") -> list[Described]:
    """What becomes of `program` under every layout, in order; stops at the first that fails."""
    return compile_jobs([_job(program, layout) for layout in layouts], mode)


def compile_jobs(jobs: Sequence[CompileJob], mode: Mode = "fast") -> list[Described]:
    """Every job compiled and read, in order; stops at the first that fails."""
    found: dict[int, Described] = {}
    for number, outcome in compile_many(jobs, mode=mode):
        if isinstance(outcome, CompileFailure):
            raise AxisRulesError([outcome.diagnostic])
        found[number] = read_compiled(outcome)
    return [found[number] for number in range(len(jobs))]


def read_compiled(step: CompiledStep) -> Described:
    """The ledger and the estimate of a compiled step."""
    module = read_module(step.module_text)
    islands = [place.island for place in step.places]
    ledger = read_ledger(module, step.mesh, platform=step.target.platform, islands=islands)
    machine = describe_machine(step.target, step.places)
    return Described(step, module, ledger, estimate_step(module, ledger, step.mesh, machine))


def function_job(
    function: Callable[..., Any],
    arguments: Sequence[tuple[jax.ShapeDtypeStruct, PartitionSpec]],
    results: Sequence[PartitionSpec],
    mesh: MeshSpec,
    target: Target,
) -> CompileJob:
    """A job for any function of flat arrays that gives a flat list, with the specs of both."""
    abstract = abstract_mesh(mesh)
    jitted = jax.jit(
        function,
        in_shardings=tuple(NamedSharding(abstract, spec) for _, spec in arguments),
        out_shardings=[NamedSharding(abstract, spec) for spec in results],
    )
    shapes = [shape for shape, _ in arguments]
    exported = jax.export.export(jitted, platforms=(PLATFORMS[target.platform],))(*shapes).serialize()
    return CompileJob(bytes(exported), target, mesh, name=getattr(function, "__name__", "function"))


def abstract_mesh(mesh: MeshSpec) -> AbstractMesh:
    """`mesh` as JAX knows one without devices."""
    names = tuple(name for name, _ in mesh.sizes)
    types = (jax.sharding.AxisType.Auto,) * len(names)
    return AbstractMesh(tuple(size for _, size in mesh.sizes), names, axis_types=types)


def _job(program: Program, layout: Layout) -> CompileJob:
    mesh = layout.target.fit(parse_mesh(layout.mesh))
    flat = FlatStep(described_partitioner(program, load_rules(layout.rules), mesh))
    job = CompileJob(
        exported=flat.export(PLATFORMS[layout.target.platform]),
        target=layout.target,
        mesh=mesh,
        donated=tuple(range(flat.state_count)),
        options=layout.options,
    )
    return replace(job, name=layout.name)
