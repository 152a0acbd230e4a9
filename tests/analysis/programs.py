"""Small scheduled programs, written by hand, for tests of what a step costs."""

from axisrules.analysis import DeviceRates, Module, read_module

# 1 TFLOP/s of dots, 1 GB/s of memory, 1 G vector operations a second, a cycle is a nanosecond.
RATES = DeviceRates(
    int8_flops_per_second=2e12,
    bf16_flops_per_second=1e12,
    f32_flops_per_second=5e11,
    precise_flops_per_second=1e11,
    vector_ops_per_second=1e9,
    unfused_ops_per_second=1e8,
    memory_bytes_per_second=1e9,
    clock_hertz=1e9,
    launch_seconds=0.0,
)


def program(entry: str, computations: str = "") -> Module:
    """The module whose entry holds the lines of `entry`, beside other `computations`."""
    return read_module(
        "HloModule step, is_scheduled=true, num_partitions=4\n\n"
        + computations
        + "\nENTRY %main (p0: bf16[1000,1000]) -> bf16[1000,1000] {\n"
        + entry
        + "\n}\n"
    )
