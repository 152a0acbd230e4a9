"""Virtual devices are counted once a process, so that each case is a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
ORDERED = "--xla_cpu_enable_concurrency_optimized_scheduler=false"
UNSET = ("XLA_FLAGS", "PJRT_NPROC", "JAX_PLATFORMS")


def run(code, **environment):
    inherited = {name: value for name, value in os.environ.items() if name not in UNSET}
    command = [sys.executable, "-c", f"import axisrules, jax, os\n{code}"]
    variables = inherited | {"PYTHONPATH": str(PROJECT)} | environment
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "environment", "shown"),
    [
        ("", {}, f"8 32 {ORDERED}"),
        ("3", {"PJRT_NPROC": "16"}, f"3 16 {ORDERED}"),
        (
            "",
            {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"},
            f"2 32 --xla_force_host_platform_device_count=2 {ORDERED}",
        ),
    ],
)
def test_devices_are_made_and_what_the_user_set_stays(arguments, environment, shown):
    show = "print(jax.device_count(), os.environ['PJRT_NPROC'], os.environ['XLA_FLAGS'])"
    done = run(f"axisrules.use_virtual_devices({arguments})\n{show}", **environment)
    assert done.stdout == f"{shown}\n", done.stderr


def test_after_jax_has_started_it_is_too_late():
    done = run("jax.devices()\naxisrules.use_virtual_devices(4)")
    assert "AxisRulesError: error[AXR507]" in done.stderr
