"""Every test runs on eight virtual CPU devices, and hypothesis draws the same examples each time."""

import os

# Both are read once, when the backend starts. The scheduler may reorder collectives of one step
# differently on each virtual device, and then they wait for each other forever.
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_cpu_enable_concurrency_optimized_scheduler=false"

import jax
from hypothesis import settings

DEVICE_COUNT = 8

jax.config.update("jax_num_cpu_devices", DEVICE_COUNT)

settings.register_profile("reproducible", derandomize=True, deadline=None, database=None)
settings.load_profile("reproducible")
