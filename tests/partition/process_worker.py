"""One of two processes that train together; run by test_processes.py as `process_worker.py PORT INDEX`."""

import json
import os
import sys
from pathlib import Path

os.environ["XLA_FLAGS"] = "--xla_cpu_enable_concurrency_optimized_scheduler=false"
sys.path.insert(0, str(Path(__file__).parents[2]))

import jax

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_num_cpu_devices", 4)
jax.config.update("jax_cpu_collectives_implementation", "gloo")

import numpy as np  # noqa: E402

import axisrules  # noqa: E402
from tests.partition.conftest import ADAMW, BATCH, EMBED, LinenModel, squared_error  # noqa: E402


def main(port: str, index: int) -> None:
    jax.distributed.initialize(f"127.0.0.1:{port}", num_processes=2, process_id=index)
    rng = np.random.default_rng(0)
    batch = {name: rng.normal(size=(BATCH, EMBED)).astype("float32") for name in ("x", "y")}
    program = axisrules.read_program(LinenModel(), squared_error, batch, optimizer=ADAMW)
    partitioner = axisrules.make_partitioner(program, "fsdp", "fsdp=8")
    rows = slice(index * BATCH // 2, (index + 1) * BATCH // 2)
    mine = {name: array[rows] for name, array in batch.items()}

    state, step, losses = partitioner.init(jax.random.key(0)), partitioner.train_step(), []
    for _ in range(3):
        state, metrics = step(state, partitioner.place(mine))
        losses.append(float(metrics["loss"]))
    print(json.dumps(losses))


main(sys.argv[1], int(sys.argv[2]))
