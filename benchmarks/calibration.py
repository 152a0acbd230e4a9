"""What the device at hand does in a second, as DeviceRates: a known chip's figures, else measured."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from axisrules.analysis import Between, DeviceRates, Interconnect, Machine, Place, Switch, describe_machine
from axisrules.mesh import known_chips, parse_target

# How JAX calls a chip, in lower case, where that is not the chip's own name.
KINDS = {"tpu v5 lite": "v5e", "tpu v5p": "v5p", "tpu v5": "v5p", "tpu v6 lite": "v6e", "tpu7x": "tpu7x"}
TINY, DEEP = 16, 64
FEWEST_RUNS = 7


@dataclass(frozen=True)
class Device:
    """The device at hand: its name, its machine, and whether that was measured just now."""

    name: str
    machine: Machine
    is_calibrated: bool


def device_at_hand() -> Device:
    """The first device that JAX has."""
    device = jax.devices()[0]
    kind = device.device_kind.lower()
    chip = KINDS.get(kind) or next((name for name in known_chips() if name in kind), None)
    if chip:
        shape = "1x1" if known_chips()[chip].platform == "gpu" else known_chips()[chip].shapes.listed[0]
        target = parse_target(f"{known_chips()[chip].platform}:{chip}:{shape}")
        return Device(device.device_kind, describe_machine(target), is_calibrated=False)
    alone = Interconnect(Switch(1.0, 0.0), Between(1.0, 0.0), (Place(),))
    return Device(device.device_kind, Machine(measured_rates(), alone), is_calibrated=True)


def best_seconds(run: Callable[[], Any], at_least_seconds: float = 1.0) -> float:
    """The least time that `run` took, its result awaited, of as many runs as fill `at_least_seconds`.

    At least seven runs; the first, which compiles, is left out. The least, because other programs on the
    machine only ever add to it.
    """
    jax.block_until_ready(run())
    times: list[float] = []
    while len(times) < FEWEST_RUNS or sum(times) < at_least_seconds:
        start = time.perf_counter()
        jax.block_until_ready(run())
        times.append(time.perf_counter() - start)
    return min(times)


def measured_rates() -> DeviceRates:
    """This device's rates in four small programs: dots, copies, elementwise work, many tiny dots."""
    dots, elementwise = _dot_rate(), _vector_rate()
    return DeviceRates(
        int8_flops_per_second=dots,
        bf16_flops_per_second=dots,
        f32_flops_per_second=dots,
        precise_flops_per_second=dots,
        vector_ops_per_second=elementwise,
        unfused_ops_per_second=elementwise,
        memory_bytes_per_second=_memory_rate(),
        clock_hertz=0.0,
        launch_seconds=_launch_seconds(),
    )


def _dot_rate(size: int = 1024) -> float:
    x = jnp.ones((size, size))
    multiply = jax.jit(lambda a: a @ a)
    return 2 * size**3 / best_seconds(lambda: multiply(x))


def _memory_rate(count: int = 2**25) -> float:
    x = jnp.ones((count,))
    add = jax.jit(lambda a: a + 1.0)
    return 2 * 4 * count / best_seconds(lambda: add(x))


def _vector_rate(count: int = 2**16) -> float:
    """Operations and words of an Adam update of arrays that the caches hold: 12 and 7 per element."""
    arrays = [jnp.full((count,), 0.5) for _ in range(4)]

    def update(weight: jax.Array, mean: jax.Array, square: jax.Array, gradient: jax.Array) -> list[jax.Array]:
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient * gradient
        return [weight - 0.001 * mean / (jnp.sqrt(square) + 1e-8), mean, square]

    work = jax.jit(update)
    return (12 + 7) * count / best_seconds(lambda: work(*arrays))


def _launch_seconds() -> float:
    """What each of many dots costs that are too small to cost anything themselves."""
    x = jnp.full((TINY, TINY), 0.1)

    def chain(a: jax.Array, length: int) -> jax.Array:
        for _ in range(length):
            a = a @ x
        return a

    short, long = (jax.jit(lambda a, n=n: chain(a, n)) for n in (DEEP, 2 * DEEP))
    return max(best_seconds(lambda: long(x)) - best_seconds(lambda: short(x)), 0.0) / DEEP
