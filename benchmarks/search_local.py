"""Twelve layouts on eight virtual CPU devices: the cost model's order against the clock's.

python -m benchmarks.search_local

The processor is calibrated first: four small programs on one device, and two all-reduces on all of them. The
virtual devices share the cores, so each has that part of the processor's rates.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

import axisrules
from axisrules import make_partitioner, parse_mesh
from axisrules.analysis import (
    Between,
    DeviceRates,
    Interconnect,
    Machine,
    Place,
    Switch,
    estimate_step,
    read_ledger,
    read_module,
)
from axisrules.models import DecoderConfig, text_batches
from axisrules.partition import FlatStep
from axisrules.targets import compile_here
from benchmarks.calibration import best_seconds, measured_rates
from benchmarks.programs import decoder_program
from benchmarks.rank_order import spearman
from benchmarks.report import Figure, publish

DEVICES = 8
CONFIG = DecoderConfig(vocab=256, embed=256, heads=8, kv_heads=8, head_dim=32, mlp=1024, layers=2)
BATCH, SEQ = 16, 128
LAYOUTS = (
    ("dp", "data=8"),
    ("zero1", "data=8"),
    ("fsdp", "fsdp=8"),
    ("tp", "data=1,tensor=8"),
    ("tp", "data=2,tensor=4"),
    ("tp", "data=4,tensor=2"),
    ("tp_sp", "data=1,tensor=8"),
    ("tp_sp", "data=4,tensor=2"),
    ("fsdp_tp", "fsdp=2,tensor=4"),
    ("fsdp_tp", "fsdp=4,tensor=2"),
    ("fsdp_tp_sp", "fsdp=4,tensor=2"),
    ("context", "data=2,context=4"),
)
ROUNDS = 12
SMALL, LARGE = 2**8, 2**22


def shared_rates() -> DeviceRates:
    """What one of the devices does in a second while all of them work."""
    part = min((os.cpu_count() or 1) / DEVICES, 1.0)
    own = measured_rates()
    per_second = (
        "int8_flops_per_second",
        "bf16_flops_per_second",
        "f32_flops_per_second",
        "precise_flops_per_second",
        "vector_ops_per_second",
        "unfused_ops_per_second",
        "memory_bytes_per_second",
    )
    scaled = replace(own, **{name: getattr(own, name) * part for name in per_second})
    return replace(scaled, launch_seconds=own.launch_seconds / part)


def measured_switch() -> Switch:
    """What an all-reduce over all devices shows: the bytes a second out of one device, and a hop's time."""
    mesh = Mesh(jax.devices(), ("data",))
    whole = NamedSharding(mesh, PartitionSpec())

    def seconds(count: int) -> float:
        x = jax.device_put(jnp.ones((DEVICES, count)), NamedSharding(mesh, PartitionSpec("data")))
        total = jax.jit(lambda a: a.sum(axis=0), out_shardings=whole)
        return best_seconds(lambda: total(x))

    small, large = seconds(SMALL), seconds(LARGE)
    # A ring sends 2 (n - 1) / n of the array out of every device, in 2 (n - 1) hops.
    sent = 2 * (DEVICES - 1) / DEVICES * 4 * (LARGE - SMALL)
    return Switch(sent / max(large - small, 1e-9), small / (2 * (DEVICES - 1)))


def predicted_and_step(rules: str, mesh: str, machine: Machine) -> tuple[float, Callable[[], Any]]:
    """The predicted seconds of one training step, and the step itself, ready to run again and again."""
    partitioner = make_partitioner(decoder_program(CONFIG, BATCH, SEQ), rules, mesh)
    flat = FlatStep(partitioner)
    step = compile_here(flat.jitted.lower(*flat.shapes), parse_mesh(mesh))
    module = read_module(step.module_text)
    ledger = read_ledger(module, parse_mesh(mesh), platform="local", islands=())
    predicted = estimate_step(module, ledger, parse_mesh(mesh), machine).seconds
    held: list[Any] = [partitioner.init(jax.random.key(0))]
    train, batch = partitioner.train_step(), partitioner.place(next(text_batches(BATCH, SEQ, steps=1)))

    def run() -> Any:
        held[0], metrics = train(held[0], batch)
        return metrics

    return predicted, run


def least_seconds(runs: Sequence[Callable[[], Any]]) -> list[float]:
    """The least time of each, taken in turn so that all meet the same machine; the first round compiles."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(ROUNDS + 1):
        for taken, run in zip(times, runs, strict=True):
            started = time.perf_counter()
            jax.block_until_ready(run())
            taken.append(time.perf_counter() - started)
    return [min(taken[1:]) for taken in times]


def main() -> int:
    """0 when the order is near enough."""
    axisrules.use_virtual_devices(DEVICES)
    switch = measured_switch()
    places = tuple(Place(0, (0, gpu)) for gpu in range(DEVICES))
    machine = Machine(shared_rates(), Interconnect(switch, Between(1.0, 0.0), places))
    figures = [
        Figure("dots of one device", machine.rates.f32_flops_per_second / 1e9, "GFLOP/s"),
        Figure("its memory", machine.rates.memory_bytes_per_second / 1e9, "GB/s"),
        Figure("out of it, in an all-reduce", switch.bytes_per_second / 1e9, "GB/s"),
        Figure("a hop", switch.hop_seconds * 1e6, "us"),
    ]
    predicted, runs = zip(*(predicted_and_step(*layout, machine) for layout in LAYOUTS), strict=True)
    measured = least_seconds(runs)
    for (rules, mesh), *times in zip(LAYOUTS, predicted, measured, strict=True):
        for name, seconds in zip(("predicted", "measured"), times, strict=True):
            figures.append(Figure(f"{rules} {mesh}: {name}", seconds * 1e3, "ms"))
    order = spearman(predicted, measured)
    figures.append(Figure("Spearman of predicted and measured", order, at_least=0.8))
    return publish("search_local", figures)


if __name__ == "__main__":
    sys.exit(main())
