"""Several devices on a machine that has none: JAX's CPU backend, cut into virtual ones."""

import os

import jax

from axisrules.diagnostics import AxisRulesError, catalog

DEFAULT_COUNT = 8
COUNT_FLAG = "--xla_force_host_platform_device_count"

# XLA's CPU scheduler may order the collectives of one step differently on each virtual device, and
# then they wait for each other forever (JAX 0.10 to 0.12).
ORDERED_SCHEDULER = "--xla_cpu_enable_concurrency_optimized_scheduler"

# A loop and what follows it may both wait in a collective, each in a thread of its own. JAX's pool has
# as many threads as there are devices; once all of them wait, none is left to arrive (JAX 0.10 to 0.12).
# This variable, which XLA reads once, sets the size of the pool.
POOL_SIZE = "PJRT_NPROC"
THREADS_PER_DEVICE = 4


def use_virtual_devices(count: int | None = None) -> None:
    """Run JAX on `count` virtual CPU devices, 8 by default; call it before anything asks for a device.

    Without a `count`, one in the user's XLA_FLAGS holds. Also sets what keeps the collectives of
    virtual devices from waiting for each other forever, unless the user has set it. Raises
    AxisRulesError (AXR507) when JAX has started with other devices already.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if ORDERED_SCHEDULER not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {ORDERED_SCHEDULER}=false".strip()
    os.environ.setdefault(POOL_SIZE, str(THREADS_PER_DEVICE * (count or DEFAULT_COUNT)))
    try:
        jax.config.update("jax_platforms", "cpu")
        if count or COUNT_FLAG not in flags:
            jax.config.update("jax_num_cpu_devices", count or DEFAULT_COUNT)
    except RuntimeError as error:
        fix = "call it first, before the first array is made and the first device is asked for"
        raise AxisRulesError([catalog.JAX_STARTED.at(why=str(error), fix=fix)]) from None
