"""The figures that the project claims, each measured by one command: `python -m benchmarks`."""

import os

# Before JAX starts, as `axisrules bench` does it: without the last two, collectives of one step may wait
# for each other forever, ordered differently on each virtual device or out of threads to wait in.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_enable_concurrency_optimized_scheduler=false")
os.environ.setdefault("PJRT_NPROC", "32")
