"""A pipeline trains as one device does: losses and gradients of every schedule, bubbles filled with NaN.

python -m benchmarks.pipeline_equal
"""

import sys
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import numpy as np

from axisrules import make_mesh, make_partitioner, parse_mesh, parse_rules, use_plan, use_virtual_devices
from axisrules.pipeline import make_objective
from benchmarks.pipeline_models import read, tokens
from benchmarks.report import Figure, publish

PIPE, TP = "stage=4,data=2", "stage=2,data=2,tensor=2"
LIMITS = {"float32": (1e-6, 5e-6), "bfloat16": (1e-4, 3e-2)}


@dataclass(frozen=True)
class Case:
    """A program and a pipeline for it; `seq` is what sequence parallelism cuts the sequence over."""

    schedule: str
    microbatches: int
    mesh: str = PIPE
    api: str = "linen"
    repeats: int = 1
    layers: int = 8
    split: tuple[int, ...] | None = None
    is_tied: bool = False
    is_sp: bool = False
    dtype: str = "float32"
    remat: Any = None

    @property
    def name(self) -> str:
        """What the figure is called."""
        words = [f"{self.schedule}{f' v={self.repeats}' if self.repeats > 1 else ''} M={self.microbatches}"]
        words += (
            [self.mesh.replace("stage", "pipe"), "SP"] if self.is_sp else [self.mesh.replace("stage", "pipe")]
        )
        words += [self.api, "tied" if self.is_tied else "", "uneven" if self.split else "", self.dtype]
        words += [f"remat {self.remat}"] if self.remat else []
        return ", ".join(word for word in words if word)


CASES = (
    Case("gpipe", 4),
    Case("gpipe", 4, api="nnx", is_tied=True),
    Case("gpipe", 2, TP, is_tied=True),
    Case("1f1b", 4),
    Case("1f1b", 1, is_tied=True),
    Case("1f1b", 2),
    Case("1f1b", 8, api="nnx"),
    Case("1f1b", 4, layers=7, split=(2, 2, 2, 1)),
    Case("1f1b", 4, TP),
    Case("1f1b", 4, TP, is_tied=True, is_sp=True),
    Case("1f1b", 2, TP, api="nnx", is_sp=True),
    Case("interleaved", 4, repeats=2),
    Case("interleaved", 4, TP, repeats=4, is_tied=True),
    Case("interleaved", 4, TP, repeats=2, is_sp=True, api="nnx"),
    Case("1f1b", 4, remat="none"),
    Case("1f1b", 4, TP, is_tied=True, is_sp=True, remat="none"),
    Case("interleaved", 4, TP, repeats=2, api="nnx", remat={"recompute": "full", "every": 2}),
    Case("zero_bubble", 4, remat={"recompute": "full", "save": "batch seq mlp"}),
    Case("zero_bubble", 4),
    Case("zero_bubble", 4, TP, is_tied=True),
    Case("1f1b", 4, TP, is_sp=True, dtype="bfloat16"),
)


def differences(case: Case) -> tuple[float, float]:
    """Of the loss, and the largest of any gradient relative to the largest value of its leaf.

    The loss is held against that of one device in the same precision. Gradients are held against float32:
    one device that adds a whole batch up in bfloat16 is further from it than a pipeline, whose
    microbatches add up in float32.
    """
    rows = 16 if case.dtype == "float32" else 512  # enough tokens for rounding to average out
    program = read(case.api, case.layers, rows, is_tied=case.is_tied, dtype=case.dtype)
    precise = read(case.api, case.layers, rows, is_tied=case.is_tied)
    partitioner = make_partitioner(program, table(case), make_mesh(case.mesh, _devices(case.mesh)))
    made = make_objective(program, partitioner.plan, partitioner.mesh)
    objective = replace(made, fill=float("nan"))
    batch, key = tokens(rows), jax.random.key(0)
    with use_plan(None):
        params, rest = jax.jit(program.init)(key)

        def plain(program: Any, params: Any) -> Any:
            return program.loss(program.bind(params, rest, key), batch)

        loss = jax.jit(partial(plain, program))(params)
        gradients = jax.jit(jax.grad(partial(plain, precise)))(params)
    own = partitioner.jit(jax.value_and_grad(lambda params: objective(params, rest, batch, key)[0]))
    own_loss, own_gradients = own(params)
    worst = jax.tree.map(_relative, own_gradients, gradients)
    return abs(float(own_loss) - float(loss)) / float(loss), max(jax.tree.leaves(worst))


def measure() -> list[Figure]:
    """Two figures for each case."""
    figures = []
    for case in CASES:
        loss, gradient = differences(case)
        limits = LIMITS[case.dtype]
        figures.append(Figure(f"{case.name}: loss", loss, at_most=limits[0]))
        figures.append(Figure(f"{case.name}: gradients", gradient, at_most=limits[1]))
        print(figures[-2], figures[-1], sep="\n", flush=True)
    return figures


def table(case: Case) -> Any:
    """The rules of a case, with its pipeline."""
    free = {name: [] for name in ("vocab", "embed")}
    layers = {"mesh": "stage", "uneven": "replicate"} if case.split else "stage"
    seq = {"any": ["tensor", []]} if case.is_sp else []
    rules = {"layers": layers, "batch": "data", "mlp": "tensor", "seq": seq} | free
    source = {"optional_mesh_axes": ["tensor"], "rules": rules, "kind": {"batch": {"seq": []}}}
    pipeline = {"schedule": case.schedule, "microbatches": case.microbatches, "repeats": case.repeats}
    split = {"split": list(case.split)} if case.split else {}
    return parse_rules(source | pipeline | split | ({"remat": case.remat} if case.remat else {}))


def _devices(mesh: str) -> list[jax.Device]:
    return jax.devices()[: parse_mesh(mesh).device_count]


def _relative(own: Any, wanted: Any) -> float:
    own, wanted = np.asarray(own, np.float64), np.asarray(wanted, np.float64)
    return float(np.max(np.abs(own - wanted)) / np.max(np.abs(wanted)))


if __name__ == "__main__":
    use_virtual_devices(8)
    sys.exit(publish("pipeline_equal", measure()))
