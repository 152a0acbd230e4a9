"""Two processes on one machine, as on two hosts: JAX's own multi-controller runtime over loopback."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import axisrules

WORKER = Path(__file__).parent / "process_worker.py"


@pytest.mark.slow
def test_two_processes_train_like_one(train, read):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    workers = [
        subprocess.Popen(
            [sys.executable, str(WORKER), str(port), str(index)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(2)
    ]
    try:
        outputs = [worker.communicate(timeout=240) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    assert [worker.returncode for worker in workers] == [0, 0], outputs
    losses = [json.loads(out.splitlines()[-1]) for out, _ in outputs]
    assert losses[0] == losses[1]
    expected, _ = train(axisrules.make_partitioner(read("linen"), "fsdp", "fsdp=8"))
    assert losses[0] == pytest.approx(expected, rel=1e-5)
