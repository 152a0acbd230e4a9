"""Every test runs on eight virtual CPU devices, and hypothesis draws the same examples each time."""

import os

# All are read once, when the backend starts. Without the last two, collectives of one step may wait
# for each other forever: the scheduler may order them differently on each virtual device, and a pool
# of eight threads may be full of waiting ones.
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_cpu_enable_concurrency_optimized_scheduler=false"
os.environ["PJRT_NPROC"] = "32"

import jax
from hypothesis import settings

DEVICE_COUNT = 8

jax.config.update("jax_num_cpu_devices", DEVICE_COUNT)

settings.register_profile("reproducible", derandomize=True, deadline=None, database=None)
settings.load_profile("reproducible")
