"""The cost model's step time against the clock on one device: the accelerator that is here, or the processor.

A chip that `chips.toml` knows is predicted from its published figures; any other device is calibrated first,
with four small programs of one kind each. `python -m benchmarks.predicted_measured` prints the machine.
"""

import sys
from dataclasses import dataclass
from typing import Any

import jax

from axisrules import make_partitioner
from axisrules.analysis import Ledger, Machine, estimate_step, read_module
from axisrules.mesh import parse_mesh
from axisrules.models import DecoderConfig, text_batches
from axisrules.partition import FlatStep
from benchmarks.calibration import best_seconds, device_at_hand
from benchmarks.programs import decoder_program
from benchmarks.rank_order import spearman
from benchmarks.report import Figure, publish


@dataclass(frozen=True)
class Shape:
    """A decoder of `embed` features, heads of 32 and an MLP four times as wide, on one batch."""

    embed: int
    layers: int
    batch: int
    seq: int
    vocab: int = 256

    def config(self, dtype: str) -> DecoderConfig:
        """The decoder's sizes."""
        heads = self.embed // 32
        return DecoderConfig(
            self.vocab, self.embed, heads, heads, 32, 4 * self.embed, self.layers, dtype=dtype
        )

    def __str__(self) -> str:
        return f"{self.layers} x {self.embed}, {self.batch} x {self.seq} tokens, vocab {self.vocab}"


SHAPES = (
    Shape(128, 2, 4, 64),
    Shape(128, 8, 4, 64),
    Shape(256, 2, 4, 64),
    Shape(256, 4, 8, 128),
    Shape(256, 2, 2, 512),
    Shape(512, 2, 4, 64),
    Shape(512, 4, 4, 128),
    Shape(512, 2, 4, 128, vocab=8192),
    Shape(1024, 2, 4, 64),
)
# An accelerator is made for more: the same shapes, each with eight times the features and sixteen the batch.
LARGER = tuple(Shape(8 * s.embed, s.layers, 16 * s.batch, s.seq, s.vocab) for s in SHAPES)


def both_times(shape: Shape, dtype: str, machine: Machine) -> tuple[float, float]:
    """Predicted and measured seconds of one training step."""
    partitioner = make_partitioner(
        decoder_program(shape.config(dtype), shape.batch, shape.seq),
        "dp",
        "data=1",
        devices=jax.devices()[:1],
    )
    flat = FlatStep(partitioner)
    compiled = flat.jitted.lower(*flat.shapes).compile()
    module = read_module(compiled.as_text())
    predicted = estimate_step(module, Ledger(()), parse_mesh("data=1"), machine).seconds
    batch = next(text_batches(shape.batch, shape.seq, steps=1))
    held: list[Any] = [partitioner.init(jax.random.key(0))]
    step = partitioner.train_step()
    placed = partitioner.place(batch)

    def run() -> Any:
        held[0], metrics = step(held[0], placed)
        return metrics

    return predicted, best_seconds(run)


def main() -> int:
    """0: the figures have no limit, since they are the machine's."""
    device = device_at_hand()
    is_processor = jax.devices()[0].platform == "cpu"
    dtype = "float32" if is_processor else "bfloat16"
    rates = device.machine.rates
    source = "measured just now" if device.is_calibrated else "published"
    figures = [
        Figure(f"{device.name}: dots ({source})", rates.bf16_flops_per_second / 1e9, "GFLOP/s"),
        Figure(f"{device.name}: memory ({source})", rates.memory_bytes_per_second / 1e9, "GB/s"),
        Figure(f"{device.name}: elementwise ({source})", rates.vector_ops_per_second / 1e9, "Gop/s"),
    ]
    pairs = []
    for shape in SHAPES if is_processor else LARGER:
        predicted, measured = both_times(shape, dtype, device.machine)
        pairs.append((predicted, measured))
        figures += [
            Figure(f"{shape}: predicted", predicted * 1e3, "ms"),
            Figure(f"{shape}: measured", measured * 1e3, "ms"),
            Figure(f"{shape}: predicted over measured", predicted / measured),
        ]
    ratios = sorted(predicted / measured for predicted, measured in pairs)
    figures += [
        Figure("model shapes", len(pairs), at_least=8),
        Figure("median of predicted over measured", ratios[len(ratios) // 2]),
        Figure("Spearman of predicted and measured", spearman(*zip(*pairs, strict=True))),
    ]
    return publish("predicted_measured", figures)


if __name__ == "__main__":
    sys.exit(main())
