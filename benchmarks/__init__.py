"""The figures that the project claims, each measured by one command: `python -m benchmarks`."""

import os

# Before JAX starts. XLA's CPU scheduler may order the collectives of one step differently on each
# virtual device, and then they wait for each other forever.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_enable_concurrency_optimized_scheduler=false")
