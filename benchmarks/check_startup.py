"""How long `axisrules check` takes on a table of 76 rules, beside a Python that does nothing.

python -m benchmarks.check_startup
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from axisrules import dump_rules, from_flax_rules
from benchmarks.report import Figure, publish

PAIRS = 40
MESH_AXES = ("data", "fsdp", "tensor", "context", "expert", "stage")
RULES = [(f"axis_{n}", MESH_AXES[n % len(MESH_AXES)]) for n in range(76)]

LOADED = """
import json, sys
from axisrules.cli import main
main(["check", {table!r}])
print(json.dumps([*sys.modules]))
"""


def seconds(command: list[str]) -> float:
    """Wall time of `command`, which must succeed."""
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def loads_jax(table: str) -> bool:
    """Whether JAX, Flax or NumPy is loaded once the table has been checked."""
    command = [sys.executable, "-c", LOADED.format(table=table)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return not {"jax", "jaxlib", "flax", "numpy"}.isdisjoint(json.loads(done.stdout.splitlines()[-1]))


def measure() -> list[Figure]:
    """Both commands in turn, so that whatever else the machine does falls on both alike."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table.toml"
        table.write_text(dump_rules(from_flax_rules(RULES)), encoding="utf-8")
        check = [sys.executable, "-m", "axisrules", "check", str(table)]
        nothing = [sys.executable, "-c", "pass"]
        seconds(check), seconds(nothing)  # fills the disk cache
        pairs = [(seconds(check), seconds(nothing)) for _ in range(PAIRS)]
        jax_is_loaded = loads_jax(str(table))
    return [
        Figure("rules in the table", len(RULES)),
        Figure("axisrules check, median", 1000 * statistics.median(ours for ours, _ in pairs), "ms"),
        Figure("python -c pass, median", 1000 * statistics.median(bare for _, bare in pairs), "ms"),
        Figure("ratio, median of pairs", statistics.median(a / b for a, b in pairs), "x", at_most=15),
        Figure("JAX, Flax or NumPy loaded", int(jax_is_loaded), at_most=0),
    ]


if __name__ == "__main__":
    sys.exit(publish("check_startup", measure()))
