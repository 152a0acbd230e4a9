"""One of two processes that train together; run by test_processes.py as `process_worker.py PORT INDEX`."""

import json
import sys
from pathlib import Path

import jax
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

import axisrules
from tests.partition.conftest import ADAMW, BATCH, EMBED, LinenModel, squared_error


def main(port: str, index: int) -> None:
    """Train on this process's half of the batch, and print the losses."""
    axisrules.use_virtual_devices(4)
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
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
