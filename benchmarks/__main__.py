"""Every benchmark, each in a fresh interpreter; fails if any limit is missed.

python -m benchmarks         what takes seconds or a few minutes
python -m benchmarks --all   also what waits for full compiles or trains published models: hours

Those of wrapped models say which published ones are not installed (the extra `models`), and go without.
"""

import subprocess
import sys

NAMES = (
    "resolve_speed",
    "check_startup",
    "dispatch",
    "sharded_init",
    "equal_losses",
    "compile_cost",
    "memory_policies",
    "accumulation",
    "ledger_theory",
    "megatron",
    "predicted_measured",
    "search_local",
    "infer_speed",
    "optimizer_axes",
    "wrap_init",
    "wrap_models",
)
SLOW = (
    "flops_memory",
    "ranking",
    "pipeline_equal",
    "pipeline_memory",
    "pipeline_time",
    "wrap_training",
    "search_published",
    "search_scale",
    "search_quality",
)


def main() -> int:
    """0 when every promise is kept, else 1."""
    names = NAMES + (SLOW if "--all" in sys.argv[1:] else ())
    codes = [
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode for name in names
    ]
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
