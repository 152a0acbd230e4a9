"""The ledger of compiled steps against what Megatron's and ZeRO's papers say they must communicate.

The built-in decoder, 2 layers of width 1024, on 8 devices: payload and counts. Where the compiler does
something else, the line says what is compared: see `python -m benchmarks.ledger_theory`.
"""

import inspect
import sys

from axisrules.analysis import Ledger
from axisrules.mesh import parse_target
from axisrules.models import DecoderConfig
from axisrules.rules import RuleTable, load_rules, parse_rules
from benchmarks.described import WHOLE_COLLECTIVES, Layout, compile_layouts
from benchmarks.programs import decoder_program
from benchmarks.report import Figure, publish
from benchmarks.theory import Theory

CONFIG = DecoderConfig(
    vocab=32_000, embed=1024, heads=16, kv_heads=16, head_dim=64, mlp=4096, layers=2, dtype="bfloat16"
)
BATCH, SEQ = 16, 512
V5E = parse_target("tpu:v5e:2x4")
H100 = parse_target("gpu:h100:1x8")
SLICES = parse_target("tpu:v5e:2x2", slices=2)


def gathered_inputs() -> RuleTable:
    """`tp_sp` with two more rules: what goes into a block is gathered there, and kept for the backward pass.

    Without them XLA keeps each device's part, and gathers it again: Megatron's own choice, to save memory.
    The rules name the two lines of the model that lay out a norm's result.
    """
    model = sys.modules["axisrules.models.linen_decoder"]
    source = inspect.getsource(model).splitlines()
    lines = [number for number, line in enumerate(source, 1) if "normed = self.constrain(" in line]
    path = {f"activations:**/linen_decoder.py:{number}": {"seq": []} for number in lines}
    return load_rules("tp_sp") | parse_rules({"name": "gathered_inputs", "path": path})


def layer_counts(ledger: Ledger, kind: str, bytes_at_least: int) -> float:
    """How often a layer communicates as much as an activation; the embedding and the head do once each."""
    large = ledger.only(kind=kind, where=lambda one: one.payload_bytes >= bytes_at_least)
    return (sum(one.count for one in large) - 2) / CONFIG.layers


def off(name: str, found: int, theory: int, at_most: float) -> list[Figure]:
    """Payload found and in theory, in MB, and how far they are apart in percent."""
    return [
        Figure(f"{name}: payload", found / 1e6, "MB"),
        Figure(f"{name}: in theory", theory / 1e6, "MB"),
        Figure(f"{name}: apart", abs(found / theory - 1) * 100, "%", at_most=at_most),
    ]


def counted(name: str, count: float, expected: int) -> Figure:
    """A count that has to be exact."""
    return Figure(f"{name} a layer", count, at_least=expected, at_most=expected)


def data_parallel(theory: Theory, dp: Ledger, v5e: Ledger, h100: Ledger, slices: Ledger) -> list[Figure]:
    """Gradients and weights. On TPU, gradients whose cut dim is minor-most are all-reduced, at twice the
    wire bytes of a reduce-scatter: their payload counts, and how much of it goes that way is shown.
    """
    reduced = v5e.only(kind="all-reduce").total_bytes
    scattered = v5e.only(kind="reduce-scatter").total_bytes
    gathered = theory.gathered_bytes
    return [
        *off("dp, v5e, all-reduce", dp.only(kind="all-reduce").total_bytes, theory.gradient_bytes, 0.2),
        *off("fsdp, v5e, all-gather", v5e.only(kind="all-gather").total_bytes, gathered, 1.0),
        *off("fsdp, v5e, gradients", reduced + scattered, theory.gradient_bytes, 1.0),
        Figure("fsdp, v5e, gradients: all-reduced instead of scattered", reduced / 1e6, "MB"),
        *off("fsdp, H100, all-gather", h100.only(kind="all-gather").total_bytes, gathered, 1.0),
        *off(
            "fsdp, H100, reduce-scatter",
            h100.only(kind="reduce-scatter").total_bytes,
            theory.gradient_bytes,
            1.0,
        ),
        *off(
            "fsdp on 2 slices, over DCN",
            slices.only(network="dcn").total_bytes,
            theory.gradient_bytes // 4,  # each of a slice's 4 chips reduces its own part
            0.5,
        ),
    ]


def tensor_parallel(theory: Theory, tp: Ledger, tp_sp: Ledger, gathered: Ledger) -> list[Figure]:
    """Activations. What only a loss or a norm reduces is left out of tp_sp's all-gathers by its kind."""
    large = theory.activation_bytes
    again = theory.sequence_bytes + theory.regathered_bytes
    return [
        *off("tp, v5e, all-reduce", tp.total_bytes, theory.tensor_reduced_bytes, 0.2),
        counted("tp, v5e: all-reduces", layer_counts(tp, "all-reduce", large), 4),
        *off(
            "tp_sp, v5e, all-gather", gathered.only(kind="all-gather").total_bytes, theory.sequence_bytes, 0.2
        ),
        *off(
            "tp_sp, v5e, reduce-scatter",
            gathered.only(kind="reduce-scatter").total_bytes,
            theory.sequence_bytes,
            0.2,
        ),
        counted("tp_sp, v5e: all-gathers", layer_counts(gathered, "all-gather", large), 4),
        counted("tp_sp, v5e: reduce-scatters", layer_counts(gathered, "reduce-scatter", large), 4),
        *off("tp_sp as shipped, all-gather", tp_sp.only(kind="all-gather").total_bytes, again, 0.2),
        counted("tp_sp as shipped: all-gathers", layer_counts(tp_sp, "all-gather", large), 6),
    ]


def main() -> int:
    """0 when every layout communicates what theory says."""
    theory = Theory(CONFIG, BATCH, SEQ)
    layouts = [
        Layout("dp", "data=8", V5E),
        Layout("fsdp", "fsdp=8", V5E, WHOLE_COLLECTIVES),
        Layout("fsdp", "fsdp=8", H100),
        Layout("fsdp", "data=2,fsdp=4,slices:data=2", SLICES, WHOLE_COLLECTIVES),
        Layout("tp", "tensor=8", V5E),
        Layout("tp_sp", "tensor=8", V5E, WHOLE_COLLECTIVES),
        Layout(gathered_inputs(), "tensor=8", V5E, WHOLE_COLLECTIVES),
    ]
    program = decoder_program(CONFIG, BATCH, SEQ)
    ledgers = [found.ledger for found in compile_layouts(program, layouts)]
    figures = [*data_parallel(theory, *ledgers[:4]), *tensor_parallel(theory, *ledgers[4:])]
    return publish("ledger_theory", figures)


if __name__ == "__main__":
    sys.exit(main())
