"""A layout for a large model on hundreds of chips, from nothing: how long it takes, and how much memory.

python -m benchmarks.search_scale

Each search runs in a fresh interpreter, with no compile cache; all counts from the interpreter's start. The
memory is that of the search and its compilers at one time, looked at twice a second, what they share counted
once. It is read from /proc, so this runs on Linux alone.
"""

import json
import os
import re
import resource
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

STARTED = time.perf_counter()

from axisrules.evidence import Compiling  # noqa: E402  (the start is what is measured)
from axisrules.mesh import parse_target  # noqa: E402
from axisrules.models import DECODER_SIZES  # noqa: E402
from axisrules.search import Budget, make_space, search  # noqa: E402
from benchmarks.programs import decoder_program  # noqa: E402
from benchmarks.report import Figure, publish  # noqa: E402

# Mixtral's sizes: 8 experts, of which 2 to a token, in layers of the 7B model's width.
EXPERTS = replace(
    DECODER_SIZES["7B"], kv_heads=8, mlp=14_336, experts=8, experts_per_token=2, dtype="bfloat16"
)
CASES = {
    "70B on 512 v5p": (DECODER_SIZES["70B"], 1024, 4096, "tpu:v5p:8x8x8"),
    "8 x 7B on 256 v5e": (EXPERTS, 512, 4096, "tpu:v5e:16x16"),
}


def held_bytes(process: int) -> int:
    """The memory of a process and of all that it has started; what some of them share counts once."""
    total, at = 0, Path("/proc") / str(process)
    with suppress(OSError):  # it may end while it is looked at
        total += 1024 * int(re.findall(r"^Pss:\s+(\d+)", (at / "smaps_rollup").read_text(), re.MULTILINE)[0])
        children = [
            child for task in (at / "task").iterdir() for child in (task / "children").read_text().split()
        ]
        total += sum(held_bytes(int(child)) for child in children)
    return total


class Peak(threading.Thread):
    """The most memory that this process and its compilers have held at a time."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.bytes = 0

    def run(self) -> None:
        """Look at it for as long as the process lives."""
        while True:
            self.bytes = max(self.bytes, held_bytes(os.getpid()))
            time.sleep(0.5)


def once(name: str) -> None:
    """One search; prints its facts."""
    config, batch, seq, target = CASES[name]
    peak = Peak()
    peak.start()
    first: list[float] = []

    def shown(*_: object) -> None:
        if not first:
            first.append(time.perf_counter() - STARTED)

    space = make_space(decoder_program(config, batch, seq), parse_target(target), on_candidate=shown)
    made = time.perf_counter() - STARTED
    result = search(space, budget=Budget(how=Compiling(uses_cache=False)))
    best = result.best
    assert best
    assert best.seconds
    used, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    facts = {
        "candidates": len(space),
        "compiled": result.compiled,
        "space_seconds": made,
        "first_seconds": first[0],
        "wall_seconds": time.perf_counter() - STARTED,
        "cpu_seconds": used.ru_utime + used.ru_stime + children.ru_utime + children.ru_stime,
        "peak_bytes": peak.bytes,
        "best": str(best.candidate),
        "step_seconds": best.seconds,
        "mfu": best.mfu,
    }
    print(json.dumps(facts))


def figures_of(name: str) -> list[Figure]:
    """The search in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.search_scale", name]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    facts = json.loads(done.stdout.splitlines()[-1])
    print(f"{name}: {facts['best']}")
    return [
        Figure(f"{name}: candidates", facts["candidates"]),
        Figure(f"{name}: compiled", facts["compiled"]),
        Figure(f"{name}: first candidate after", facts["first_seconds"], "s", at_most=5),
        Figure(f"{name}: all candidates after", facts["space_seconds"], "s"),
        Figure(f"{name}: answer after", facts["wall_seconds"], "s", at_most=600),
        Figure(f"{name}: CPU time", facts["cpu_seconds"], "s"),
        Figure(f"{name}: memory, all processes", facts["peak_bytes"] / 1e9, "GB", at_most=4),
        Figure(f"{name}: the best's step", facts["step_seconds"], "s"),
        Figure(f"{name}: its MFU", facts["mfu"] * 100, "%"),
    ]


def main() -> int:
    """0 when both answers come in time."""
    return publish("search_scale", [figure for name in CASES for figure in figures_of(name)])


if __name__ == "__main__":
    if sys.argv[1:]:
        once(sys.argv[1])
    else:
        sys.exit(main())
