"""A pipeline's time follows its ticks; and it recomputes no more than GPipe with layer remat does.

python -m benchmarks.pipeline_time
"""

import statistics
import sys
import time
from typing import Any

import jax
import jax.numpy as jnp
import optax

from axisrules import Partitioner, constrain, load_rules, make_partitioner, read_program, use_virtual_devices
from axisrules.models import DecoderConfig, linen_decoder, next_token_loss
from axisrules.pipeline import make_objective
from axisrules.rules import parse_training
from axisrules.schedules import Costs, Facts, facts
from benchmarks.report import Figure, publish

CONFIG = DecoderConfig(vocab=64, embed=128, heads=4, kv_heads=4, head_dim=32, mlp=512, layers=8)
SEQ, MESH, ROUNDS = 128, "stage=4,data=2", 9
FEW, MANY = 8, 24
LIMITS = {"gpipe": 0.08, "1f1b": 0.08, "interleaved": 0.08, "zero_bubble": 0.15}


def built(schedule: str, microbatches: int, **remat: str) -> tuple[Any, Any, Partitioner]:
    """A compiled step with its arguments; every microbatch has one row on each device."""
    tokens = jax.ShapeDtypeStruct((2 * microbatches, SEQ), jnp.int32)
    batch = dict.fromkeys(("inputs", "targets"), tokens)
    model = linen_decoder(CONFIG, constrain)
    axes = dict.fromkeys(batch, "batch seq")
    program = read_program(model, next_token_loss, batch, optimizer=optax.sgd(0.1), batch_axes=axes)
    repeats = 2 if schedule == "interleaved" else 1
    wanted = {"schedule": schedule, "microbatches": microbatches, "repeats": repeats, **remat}
    partitioner = make_partitioner(program, load_rules("pipeline") | parse_training(wanted), MESH)
    state = partitioner.init(jax.random.key(0))
    placed = partitioner.place(jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), batch))
    return partitioner.train_step(donate=False).lower(state, placed).compile(), (state, placed), partitioner


def seconds(runs: list[tuple[Any, Any]]) -> list[float]:
    """The least wall time of each step, the steps taken in turn so that all meet the same machine."""
    taken: list[list[float]] = [[] for _ in runs]
    for _ in range(ROUNDS):
        for times, (step, arguments) in zip(taken, runs, strict=True):
            started = time.perf_counter()
            jax.block_until_ready(step(*arguments))
            times.append(time.perf_counter() - started)
    return [statistics.median(sorted(times)[:3]) for times in taken]


def predicted(partitioner: Partitioner) -> Facts:
    """The facts of the schedule that a partitioner runs; backward recomputes forward."""
    objective = make_objective(partitioner.program, partitioner.plan, partitioner.mesh)
    assert objective is not None, "the table has a schedule"
    return facts(objective.schedule, Costs(forward=1, backward=2, weight=1))


def measure() -> list[Figure]:
    """For each schedule the ratio of times beside that of the model; and every schedule beside GPipe."""
    figures, many = [], {}
    for schedule, limit in LIMITS.items():
        few_step, few, first = built(schedule, FEW)
        many_step, arguments, second = built(schedule, MANY)
        short, long = seconds([(few_step, few), (many_step, arguments)])
        ratio = predicted(second).seconds / predicted(first).seconds
        off = abs(long / short / ratio - 1)
        many[schedule] = (many_step, arguments)
        figures += [
            Figure(f"{schedule}: time of {MANY} microbatches over {FEW}", long / short),
            Figure(f"{schedule}: the same by the model", ratio),
            Figure(f"{schedule}: difference", off, at_most=limit),
        ]
        print(*figures[-3:], sep="\n", flush=True)
    many["1f1b, everything kept"] = built("1f1b", MANY, remat="none")[:2]
    times = dict(zip(many, seconds(list(many.values())), strict=True))
    for name, limit in (("1f1b", 1.1), ("1f1b, everything kept", 1.1), ("interleaved", None)):
        title = f"{name}: time over that of gpipe with layer remat"
        figures.append(Figure(title, times[name] / times["gpipe"], at_most=limit))
    return figures


if __name__ == "__main__":
    use_virtual_devices(8)
    sys.exit(publish("pipeline_time", measure()))
