"""Every benchmark, each in a fresh interpreter: `python -m benchmarks`; fails if any limit is missed."""

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
)


def main() -> int:
    """0 when every promise is kept, else 1."""
    codes = [
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode for name in NAMES
    ]
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
