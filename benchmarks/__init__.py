"""The figures that the project claims, each measured by one command: `python -m benchmarks`."""
