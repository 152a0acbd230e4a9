"""What it costs to learn how a 70B model would run on 512 TPU v5p chips, with neither chip nor pod.

python -m benchmarks.compile_cost

One layout in a fresh interpreter, everything counted from its start: the model is read and planned, its
step traced and lowered, and the compiler run until the program is scheduled and its memory assigned. The
figures are the operating system's, of that process and of the compiler's together.
"""

import json
import resource
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import optax

from axisrules import constrain, load_rules, parse_mesh, read_program
from axisrules.mesh import parse_target
from axisrules.models import DECODER_SIZES, linen_decoder, next_token_loss
from axisrules.partition import FlatStep, described_partitioner
from axisrules.targets import CompileJob, compile_step
from benchmarks.report import Figure, publish

TABLE = "fsdp_tp"
MESH = "fsdp=64,tensor=8"
TARGET = "tpu:v5p:8x8x8"
BATCH, SEQUENCE = 512, 4096


def job_of_70b() -> CompileJob:
    """The training step of 80 scanned layers, in bfloat16, with AdamW, lowered for the pod."""
    tokens = jax.ShapeDtypeStruct((BATCH, SEQUENCE), jnp.int32)
    program = read_program(
        linen_decoder(DECODER_SIZES["70B"], constrain),
        next_token_loss,
        {"inputs": tokens, "targets": tokens},
        optimizer=optax.adamw(1e-3),
        batch_axes={"inputs": "batch seq", "targets": "batch seq"},
    )
    target = parse_target(TARGET)
    mesh = target.fit(parse_mesh(MESH))
    flat = FlatStep(described_partitioner(program, load_rules(TABLE), mesh))
    return CompileJob(flat.export("tpu"), target, mesh, donated=tuple(range(flat.state_count)))


def compile_once() -> None:
    """The layout compiled; prints what its compiler's process says of itself."""
    step = compile_step(job_of_70b(), cache=False)
    assert "is_scheduled=true" in step.module_text
    facts = {
        "cpu_seconds": step.cpu_seconds,
        "wall_seconds": step.wall_seconds,
        "peak_bytes": step.peak_bytes,
        "devices": len(step.places),
        "module_bytes": len(step.module_text),
    }
    print(json.dumps(facts))


def main() -> int:
    """Compile the layout in a process of its own, and publish what that took."""
    command = [sys.executable, "-m", "benchmarks.compile_cost", "once"]
    started = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    wall_seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    compiler = json.loads(done.stdout.splitlines()[-1])
    assert compiler["devices"] == parse_target(TARGET).device_count
    figures = [
        Figure(
            "CPU time, from a model to its scheduled program", used.ru_utime + used.ru_stime, "s", at_most=6
        ),
        Figure("of it, the compiler's process", compiler["cpu_seconds"], "s"),
        Figure("most memory that a process held", used.ru_maxrss * 1024 / 1e9, "GB", at_most=2),
        Figure("of the compiler's process", compiler["peak_bytes"] / 1e9, "GB"),
        Figure("wall time", wall_seconds, "s"),
        Figure("scheduled program as text", compiler["module_bytes"] / 1e6, "MB"),
    ]
    return publish("compile_cost", figures)


if __name__ == "__main__":
    sys.exit(compile_once() if sys.argv[1:] == ["once"] else main())
